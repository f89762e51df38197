"""Describe what the browser application calls: `python web/openapi.py` writes openapi.json beside it.

The descriptions of the services that browsers reach are joined into one. With `--check` nothing is written;
the exit code is 1 when the file is out of date.
"""

import json
import sys
from pathlib import Path
from typing import Any

from modelpick_checkout.app import build as build_checkout
from modelpick_checkout.settings import CheckoutSettings
from modelpick_reports.app import build as build_reports
from modelpick_reports.settings import ReportsSettings

FILE = Path(__file__).with_name("openapi.json")
# Nothing is connected to: an application describes itself before it starts.
NOWHERE: dict[str, Any] = {
    "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
    "rabbitmq_url": "amqp://nobody@127.0.0.1:1/",
    "image_store_url": "s3://nothing",
}


def described() -> str:
    services = [
        build_checkout(CheckoutSettings(_env_file=None, **NOWHERE)).openapi(),
        build_reports(ReportsSettings(_env_file=None, **NOWHERE)).openapi(),
    ]
    paths = {path: item for each in services for path, item in each["paths"].items() if path[:5] == "/api/"}
    schemas = {name: body for each in services for name, body in each["components"]["schemas"].items()}
    joined = {
        "openapi": services[0]["openapi"],
        "info": {"title": "ModelPick", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    return json.dumps(joined, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        FILE.write_text(described())
        return 0
    if FILE.read_text() == described():
        return 0
    sys.stderr.write("web/openapi.json is out of date: run `make api-types`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
