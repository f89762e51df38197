"""The operators' image does what is documented for it: back-ups, before all."""

import json
import re
import shlex

import pytest
import yaml
from typer.main import get_command

from modelpick_local.home import find_checkout
from modelpick_local.parts import SERVICES
from modelpick_ops.main import app as operator

CHECKOUT = find_checkout()
BACK_UP = CHECKOUT / "docs" / "backup-and-upgrade.md"
DOCKERFILE = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def image():
    """Return the instructions that make the operators' image."""
    return re.search(r"^FROM base AS ops\n(.*?)^FROM ", DOCKERFILE, re.MULTILINE | re.DOTALL)[1]


def test_the_image_that_backs_up_has_the_programs_of_the_servers_version(services, image):
    release, codename = re.fullmatch(r"postgres:(\d+)-(\w+)", services["postgres"]["image"]).groups()

    assert f"ARG POSTGRES_MAJOR={release}\n" in image
    assert '"postgresql-client-${POSTGRES_MAJOR}"' in image
    # In front of Debian's wrappers, which choose a version by a server of this machine.
    assert "ENV PATH=/usr/lib/postgresql/${POSTGRES_MAJOR}/bin:$PATH\n" in image
    assert f"/apt {codename}-pgdg main" in image
    bases = re.findall(r"^FROM python:\S+", DOCKERFILE, re.MULTILINE)
    assert {base.rpartition("-")[2] for base in bases} == {codename}
    assert f"PostgreSQL {release}, the version of the server" in BACK_UP.read_text()


def documented_operators_words():
    """Return the words that each `docker compose run` of the documents gives the operator's command line."""
    pages = [CHECKOUT / "README.md", CHECKOUT / "docker-compose.yml", *(CHECKOUT / "docs").rglob("*.md")]
    lines = re.findall(r"docker compose run [^`\n]*", "\n".join(page.read_text() for page in pages))
    return [shlex.split(re.split(r"  |`", line)[0]) for line in lines]


def test_what_is_documented_for_the_image_of_operators_is_what_it_is_made_for(image):
    (entry,) = re.findall(r"^ENTRYPOINT (.+)", image, re.MULTILINE)
    assert json.loads(entry) == ["modelpick"]
    lines = documented_operators_words()

    assert {"backup", "restore", "queues"} <= {word for words in lines for word in words}
    for words in lines:
        after = words[words.index("ops") + 1 :]
        known = {*get_command(operator).commands}
        assert not after or after[0] in known, words


def test_a_restore_in_containers_stops_whoever_uses_the_database(services):
    (line,) = re.findall(r"^docker compose stop (.+)$", BACK_UP.read_text(), re.MULTILINE)
    stopped = set(line.split())
    using = {name for name in (service.name for service in SERVICES) if "data" in services[name]["networks"]}

    assert using <= stopped <= services.keys()
