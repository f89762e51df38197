import os
import sys
from typing import TextIO

_NAME_WIDTH = 20
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class Console:
    """What the launcher and its parts say, a line each, under the speaker's name.

    A reader that went away must not end the system: then nothing more is written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._is_coloured = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._colours: dict[str, int] = {}
        self._is_gone = False

    def part(self, name: str, text: str) -> None:
        prefix = name.ljust(_NAME_WIDTH)
        if self._is_coloured:
            prefix = f"\x1b[{self._colour(name)}m{prefix}\x1b[0m"
        self.say(f"{prefix} {text}")

    def say(self, text: str) -> None:
        if self._is_gone:
            return
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except OSError:
            self._is_gone = True

    def _colour(self, name: str) -> int:
        index = self._colours.setdefault(name, len(self._colours))
        return _COLOURS[index % len(_COLOURS)]
