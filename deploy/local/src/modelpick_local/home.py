"""Where one running system keeps what is its own: MODELPICK_HOME."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

DEFAULT_NAME = ".modelpick"


@dataclass(frozen=True)
class Home:
    """The folder of one running system. Two systems with two homes never meet."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """Open a home, making what is missing of it."""
        home = cls(root.expanduser().resolve())
        for folder in (home.root, home.run, home.logs):
            folder.mkdir(parents=True, exist_ok=True)
        return home

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def state_file(self) -> Path:
        return self.run / "parts.json"

    @property
    def lock_file(self) -> Path:
        return self.run / "lock"

    @property
    def key(self) -> str:
        """A short name for this home, to use outside it."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    def folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def secret(self, name: str, prefix: str = "") -> str:
        """Return a random secret that stays the same for this home; only its owner may read it."""
        path = self.folder("secrets") / name
        if not path.exists():
            write_private(path, prefix + secrets.token_hex(24))
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def find_checkout() -> Path:
    """Return the root of the checkout: it lies above this file, as packages are installed in place."""
    start_points = (Path(__file__).resolve(), Path.cwd() / "here")
    for start in start_points:
        for folder in start.parents:
            if (folder / "deploy" / "local" / "pyproject.toml").exists():
                return folder
    return Path.cwd()
