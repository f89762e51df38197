import asyncio
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

_CHUNK_BYTES = 65_536
_KEPT_LINES = 12


class Output:
    """Takes what a part prints: raw into its log, by lines to a listener, the last ones for an error message.

    The pipe is ours rather than asyncio's, whose `wait` would also wait for grandchildren that keep it open.
    """

    def __init__(self, log: Path, on_line: Callable[[str], None]) -> None:
        self._log = log.open("ab", buffering=0)
        self._on_line = on_line
        self._rest = b""
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._is_open = True
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    @property
    def last_lines(self) -> list[str]:
        return list(self._last)

    def close_writer(self) -> None:
        """Give up our end once the part has its own."""
        os.close(self.writer)

    def close(self) -> None:
        """Take what is still in the pipe, and end."""
        while self._is_open and self._read():
            pass
        self._end()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reader, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._end()
            return False
        self._take(chunk)
        return True

    def _take(self, chunk: bytes) -> None:
        self._log.write(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._pass_on(line)

    def _pass_on(self, line: bytes) -> None:
        if text := line.decode(errors="replace").rstrip():
            self._last.append(text)
            self._on_line(text)

    def _end(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._pass_on(self._rest)
        asyncio.get_running_loop().remove_reader(self._reader)
        os.close(self._reader)
        self._log.close()
