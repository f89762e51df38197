"""Ask the registries for known vulnerabilities: `python -m deploy.supply_chain.audit`.

Exit status 0: everything was looked up and nothing is known; 1: something is known, and is printed; 3: the
registry did not answer for some or all, so nobody knows. A mirror often has the packages without their
advisories: pip-audit then skips them with status 0, which would look like a clean bill.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).parents[2]
CLEAN, VULNERABLE, UNANSWERED = 0, 1, 3


class Result(NamedTuple):
    """What one registry said: `known` vulnerabilities, and what it did not say of how many packages."""

    registry: str
    asked: int
    known: list[str]
    unanswered: str

    @property
    def status(self) -> int:
        if self.known:
            return VULNERABLE
        return UNANSWERED if self.unanswered else CLEAN


def main() -> int:
    results = [audit_python(), *([audit_npm()] if (CHECKOUT / "web" / "package-lock.json").exists() else [])]
    for result in results:
        sys.stdout.write(describe(result))
    statuses = {result.status for result in results}
    return VULNERABLE if VULNERABLE in statuses else max(statuses)


def describe(result: Result) -> str:
    lines = [f"{result.registry}: {len(result.known)} known vulnerabilities in {result.asked} packages"]
    lines += [f"  {one}" for one in result.known]
    if result.unanswered:
        lines.append(f"  NOT AUDITED: {result.unanswered}")
    return "\n".join(lines) + "\n"


def audit_python() -> Result:
    words = ["pip_audit", "--requirement", "requirements.lock", "--disable-pip", "--require-hashes"]
    quiet = ["--format", "json", "--progress-spinner", "off"]
    finished = _run([sys.executable, "-m", *words, *quiet])
    return read_pip_audit(finished.stdout, finished.stderr)


def read_pip_audit(answer: str, said: str) -> Result:
    """Understand the JSON of pip-audit; what it skipped was not audited."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return Result("PyPI", 0, [], _last_line(said))
    skipped = [package for package in packages if "skip_reason" in package]
    known = [
        f"{package['name']} {package['version']}: {one['id']}"
        f" (mended in {', '.join(one['fix_versions']) or 'no version yet'})"
        for package in packages
        for one in package.get("vulns", [])
    ]
    unanswered = f"{len(skipped)} packages, as {skipped[0]['skip_reason']}" if skipped else ""
    return Result("PyPI", len(packages) - len(skipped), known, unanswered)


def audit_npm() -> Result:
    finished = _run([str(Path(sys.executable).with_name("npm")), "--prefix", "web", "audit", "--json"])
    return read_npm_audit(finished.stdout, finished.stderr)


def read_npm_audit(answer: str, said: str) -> Result:
    """Understand the JSON of `npm audit`."""
    try:
        found: dict[str, Any] = json.loads(answer)
        packages, counted = found["vulnerabilities"], found["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError):
        return Result("npm", 0, [], _last_line(said))
    known = [f"{name}: {one['severity']}, versions {one['range']}" for name, one in packages.items()]
    return Result("npm", counted, known, "")


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and "complete log" not in line]
    return lines[-1] if lines else "the registry gave no answer that could be read"


def _run(words: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(words, capture_output=True, text=True, cwd=CHECKOUT, check=False)  # noqa: S603 - our own words
    except OSError as error:
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]} cannot be run: {error}")


if __name__ == "__main__":
    raise SystemExit(main())
