import subprocess
import sysconfig
from pathlib import Path

import pytest

from modelpick_local.home import find_checkout

pytestmark = pytest.mark.connected


def test_the_compose_file_is_valid():
    checker = Path(sysconfig.get_path("scripts")) / "check-jsonschema"
    finished = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=find_checkout(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
