"""The till receipt: a narrow strip of thermal paper on a table."""

from PIL import Image

from modelpick_local.demo.drawing import Ink, Sheet, laid_on
from modelpick_local.demo.receipts import LineItem, Receipt

_WIDTH, _LEFT, _RIGHT = 440, 28, 412
_MIDDLE = _WIDTH // 2
_PAPER: Ink = (252, 251, 246)
_TABLE: Ink = (118, 104, 92)
_INK: Ink = (38, 38, 42)
_FADED: Ink = (92, 92, 98)
_LINE = 28
_FIXED_HEIGHT = 540


def draw_till_receipt(receipt: Receipt) -> Image.Image:
    sheet = Sheet(_WIDTH, _height(receipt), _PAPER)
    sheet.y = 30
    _head(sheet, receipt)
    for item in receipt.items:
        _item(sheet, receipt, item)
    _sums(sheet, receipt)
    _foot(sheet, receipt)
    sheet.teeth(8, _TABLE)
    return laid_on(_TABLE, sheet, margin=26, tilt_degrees=_tilt(receipt))


def _height(receipt: Receipt) -> int:
    lines = sum(1 if item.quantity == 1 else 2 for item in receipt.items)
    return _FIXED_HEIGHT + lines * _LINE


def _tilt(receipt: Receipt) -> float:
    return (len(receipt.merchant) % 5 - 2) * 0.5


def _head(sheet: Sheet, receipt: Receipt) -> None:
    sheet.text(_MIDDLE, receipt.merchant, size=25, ink=_INK, align="middle", bold=True)
    sheet.y += 38
    for line in receipt.address:
        sheet.text(_MIDDLE, line, size=17, ink=_FADED, align="middle")
        sheet.y += 23
    sheet.y += 14
    _pair(sheet, receipt.printed_date, f"No. {receipt.number}", size=17)
    _divide(sheet)


def _item(sheet: Sheet, receipt: Receipt, item: LineItem) -> None:
    _pair(sheet, item.description, f"{item.amount:.2f}")
    if item.quantity > 1:
        sheet.text(_LEFT + 22, f"{item.quantity} x {receipt.money(item.unit_price)}", size=17, ink=_FADED)
        sheet.y += _LINE


def _sums(sheet: Sheet, receipt: Receipt) -> None:
    _divide(sheet)
    _pair(sheet, "Subtotal", f"{receipt.subtotal:.2f}")
    _pair(sheet, f"{receipt.tax_name} {receipt.tax_percent.normalize():f}%", f"{receipt.tax:.2f}")
    sheet.y += 6
    _pair(sheet, f"TOTAL {receipt.currency}", f"{receipt.total:.2f}", size=28, bold=True)
    sheet.y += 14
    _pair(sheet, "Card **** 4242", receipt.money(receipt.total), size=17)
    _divide(sheet)


def _foot(sheet: Sheet, receipt: Receipt) -> None:
    sheet.y += 4
    sheet.text(_MIDDLE, receipt.closing, size=17, ink=_INK, align="middle")
    sheet.y += 42
    sheet.bars(_LEFT + 50, _RIGHT - 50, 54, receipt.number, _INK)
    sheet.y += 62
    sheet.text(_MIDDLE, " ".join(receipt.number), size=14, ink=_FADED, align="middle")


def _pair(sheet: Sheet, left: str, right: str, *, size: int = 20, bold: bool = False) -> None:
    sheet.text(_LEFT, left, size=size, ink=_INK, bold=bold)
    sheet.text(_RIGHT, right, size=size, ink=_INK, align="right", bold=bold)
    sheet.y += _LINE


def _divide(sheet: Sheet) -> None:
    sheet.y += 10
    sheet.dashes(_LEFT, _RIGHT, _FADED)
    sheet.y += 16
