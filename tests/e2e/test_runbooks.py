"""The runbooks: one for each alert, and every command in them runs as it is written."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.e2e

CHECKOUT = Path(__file__).parents[2]
RUNBOOKS = CHECKOUT / "docs" / "runbooks"
RULES = CHECKOUT / "deploy" / "prometheus" / "rules"
CATALOGUE = CHECKOUT / "shared" / "src" / "modelpick_shared" / "catalog" / "models.json"
BLOCK = re.compile(r"^```sh(?: (?P<kind>[\w-]+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = {None, "may-refuse", "needs-outside", "with-docker"}


@dataclass(frozen=True)
class Written:
    """A command of a runbook, with what may come of it."""

    words: str
    kind: str | None


def commands_of(page: Path) -> list[Written]:
    return [
        Written(line.split("  #")[0].strip(), block["kind"])
        for block in BLOCK.finditer(page.read_text())
        for line in block["body"].splitlines()
        if line.strip()
    ]


ALL = sorted({each for page in RUNBOOKS.glob("*.md") for each in commands_of(page)}, key=str)
HERE = [each for each in ALL if each.kind != "with-docker"]
DOCKER = [each for each in ALL if each.kind == "with-docker"]


def alerts():
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


@pytest.fixture(scope="module")
def bought():
    return {}


@pytest.fixture
async def shell(system, bought, visit, buy):
    """Return a function that runs a line as an operator would, with a report and a mail to speak of."""
    if not bought:
        customer = await visit(system, "runbooks")
        bought["REPORT"] = await buy(customer, sample_uploads(1), 1)
        await customer.await_progress(bought["REPORT"])
    # Without an address of its own, the catalogue is compared with the simulator and never written.
    variables = {name: value for name, value in system.variables().items() if "OPENROUTER" not in name}
    environment = {
        **os.environ,
        **variables,
        **bought,
        "MODEL": "openai/gpt-5-mini",
        "QUEUE": "notifier.report.completed.dead",
        "MAIL": f"report-{bought['REPORT']}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(line):
        return subprocess.run(
            ["bash", "-euc", line],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.parametrize("command", HERE, ids=lambda command: command.words)
async def test_a_command_runs_as_it_is_written(command, shell):
    before = CATALOGUE.read_bytes()
    done = shell(command.words)
    assert CATALOGUE.read_bytes() == before
    allowed = {0, 1} if command.kind == "may-refuse" else {0}
    assert done.returncode in allowed, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_commands_with_docker_name_services_that_there_are():
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    for command in DOCKER:
        words = shlex.split(command.words)
        assert words[:2] == ["docker", "compose"]
        assert any(word in services for word in words[3:]), command.words


def test_every_alert_has_its_runbook_and_every_kind_of_block_is_known():
    for rule in alerts():
        page = CHECKOUT / rule["annotations"]["runbook"]
        assert page == RUNBOOKS / f"{rule['alert']}.md"
        assert page.is_file(), rule["alert"]
        assert "**What it means.**" in page.read_text()
        assert "**Do.**" in page.read_text()
    assert {command.kind for command in ALL} <= KINDS
    assert len(HERE) > 15
