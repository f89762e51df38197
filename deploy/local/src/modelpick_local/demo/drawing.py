"""Pen and paper for the sample receipts: text in columns, rules, and pictures as PNG."""

import io
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Ink = tuple[int, int, int]
Align = Literal["left", "middle", "right"]

_ANCHORS = {"left": "la", "middle": "ma", "right": "ra"}
_DASH, _GAP = 7, 5


class Sheet:
    """A picture that is written on from top to bottom; `y` is where the next line goes, in pixels."""

    def __init__(self, width: int, height: int, paper: Ink) -> None:
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height), paper)
        self._draw = ImageDraw.Draw(self.image)
        self.y = 0

    def text(
        self, x: int, text: str, *, size: int, ink: Ink, align: Align = "left", bold: bool = False
    ) -> None:
        """Write at `x` in the present line: its left end, middle or right end."""
        font = ImageFont.load_default(size)
        # The bundled font has one weight; an outline in the same ink makes it bold.
        self._draw.text(
            (x, self.y), text, fill=ink, font=font, anchor=_ANCHORS[align], stroke_width=0.6 if bold else 0
        )

    def rule(self, left: int, right: int, ink: Ink, *, thickness: int = 1) -> None:
        self._draw.line((left, self.y, right, self.y), fill=ink, width=thickness)

    def dashes(self, left: int, right: int, ink: Ink) -> None:
        for x in range(left, right, _DASH + _GAP):
            self._draw.line((x, self.y, min(x + _DASH, right), self.y), fill=ink, width=2)

    def block(self, left: int, right: int, height: int, ink: Ink) -> None:
        """Fill a rectangle whose top is the present line."""
        self._draw.rectangle((left, self.y, right, self.y + height), fill=ink)

    def bars(self, left: int, right: int, height: int, digits: str, ink: Ink) -> None:
        """Draw something like a bar code, the same for the same digits."""
        x, step = left, 0
        while x < right:
            bar, gap = 1 + ord(digits[step % len(digits)]) % 4, 2 + ord(digits[(step + 1) % len(digits)]) % 3
            self.block(x, min(x + bar, right) - 1, height, ink)
            x, step = x + bar + gap, step + 1

    def teeth(self, depth: int, backdrop: Ink) -> None:
        """Tear the paper off in a zigzag along its lower edge."""
        for x in range(0, self.width, 2 * depth):
            tooth = [(x, self.height), (x + depth, self.height - depth), (x + 2 * depth, self.height)]
            self._draw.polygon(tooth, fill=backdrop)


def laid_on(backdrop: Ink, sheet: Sheet, *, margin: int, tilt_degrees: float) -> Image.Image:
    """Return a picture of the sheet lying on a table, a little askew."""
    width, height = sheet.width + 2 * margin, sheet.height + 2 * margin
    table = Image.new("RGB", (width, height), backdrop)
    table.paste(sheet.image, (margin, margin))
    return table.rotate(tilt_degrees, resample=Image.Resampling.BICUBIC, fillcolor=backdrop)


def png_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
