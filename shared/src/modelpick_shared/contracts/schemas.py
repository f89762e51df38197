"""Generate the JSON Schemas of all messages: `python -m modelpick_shared.contracts.schemas`.

With `--check` nothing is written; the exit code is 1 when a committed file is out of date.
"""

import json
import sys
from pathlib import Path
from typing import Any

from modelpick_shared.contracts import MESSAGES, Envelope, Message

FOLDER = Path("docs/messages")


def schema_of(message_type: type[Message]) -> dict[str, Any]:
    """Return the JSON Schema of a whole message body: the envelope with its data."""
    schema = Envelope.model_json_schema(mode="serialization")
    data = message_type.model_json_schema(mode="serialization")
    definitions = {**schema.pop("$defs", {}), **data.pop("$defs", {})}
    schema["title"] = message_type.TYPE
    schema["properties"]["type"] = {"const": message_type.TYPE}
    schema["properties"]["schema_version"] = {"const": message_type.SCHEMA_VERSION}
    schema["properties"]["data"] = data
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}


def rendered() -> dict[str, str]:
    """Return file name -> content for every message type."""
    return {
        f"{message_type.TYPE}.v{message_type.SCHEMA_VERSION}.json": json.dumps(
            schema_of(message_type), indent=2
        )
        + "\n"
        for message_type in MESSAGES
    }


def stale(folder: Path) -> list[str]:
    """Return the names of files that differ from what would be generated, or are left over."""
    wanted = rendered()
    present = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        names = stale(FOLDER)
        if names:
            sys.stderr.write(f"out of date, run `make schemas`: {', '.join(names)}\n")
        return 1 if names else 0
    for path in FOLDER.glob("*.json"):
        path.unlink()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in rendered().items():
        (FOLDER / name).write_text(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
