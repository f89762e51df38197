"""Typst: pages and pictures out of a template and data."""

import functools
import json
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typst

TEMPLATES = Path(__file__).parent / "typst"

# Typst keeps what it computed for a document until ten others followed, 30 MB of it for a full report. Ten
# empty pages (30 ms) push it out: with them a process stays at 230 MB, without at 540 MB.
_FORGOTTEN_AFTER = 10


class Typesetter:
    """A typst compiler that sees its own templates and fonts, and nothing else.

    Safe to use from many threads: it sets one document at a time, which the CPU limits anyway.
    """

    def __init__(self, templates: Path) -> None:
        self._templates = templates
        self._lock = threading.Lock()
        # The templates name fonts that typst has built in. Those of the machine stand in for letters that
        # these lack, such as Chinese or emoji; without any, such letters are empty boxes.
        fonts = typst.Fonts(include_system_fonts=True)
        self._compiler = typst.Compiler(root=templates, font_paths=fonts)

    def pdf(self, template: str, data: Mapping[str, Any], *, dated: datetime) -> bytes:
        """Return the template with the data as PDF that bears the given date; the same bytes each time.

        The data reach the template as JSON: its strings are text, never markup.
        """
        return self._made(template, data, form="pdf", dated=dated)

    def png(self, template: str, data: Mapping[str, Any], *, dated: datetime) -> bytes:
        """As `pdf`, the template's only page as a picture at 72 pixels an inch: a point is a pixel."""
        return self._made(template, data, form="png", dated=dated)

    def _made(
        self, template: str, data: Mapping[str, Any], *, form: Literal["pdf", "png"], dated: datetime
    ) -> bytes:
        inputs = {"data": json.dumps(data, ensure_ascii=False, allow_nan=False)}
        timestamp = int(dated.timestamp())
        with self._lock:
            made = self._compiler.compile(
                self._templates / template, format=form, ppi=72, sys_inputs=inputs, timestamp=timestamp
            )
            self._forget()
        if not isinstance(made, bytes):
            raise TypeError(f"{template} came out as {type(made).__name__} instead of one file")
        return made

    def _forget(self) -> None:
        for _ in range(_FORGOTTEN_AFTER):
            self._compiler.compile(b".", format="pdf", sys_inputs=None)


@functools.cache
def typesetter() -> Typesetter:
    """Return the typesetter of this process: a cache of fonts that keeps nothing of any report."""
    return Typesetter(TEMPLATES)
