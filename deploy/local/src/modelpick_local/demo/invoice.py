"""The invoice: a page with a letterhead and a table."""

from PIL import Image

from modelpick_local.demo.drawing import Ink, Sheet
from modelpick_local.demo.receipts import LineItem, Receipt

_WIDTH, _HEIGHT = 820, 1060
_LEFT, _RIGHT = 60, 760
_QUANTITY, _UNIT_PRICE = 470, 620
_PAPER: Ink = (255, 255, 255)
_INK: Ink = (33, 37, 46)
_FADED: Ink = (104, 110, 122)
_FAINT: Ink = (214, 218, 225)
_SHADE: Ink = (243, 245, 248)
_ACCENTS: tuple[Ink, ...] = ((24, 78, 119), (126, 52, 41), (38, 92, 66), (84, 58, 120), (60, 64, 72))
_LINE = 40


def draw_invoice(receipt: Receipt) -> Image.Image:
    sheet = Sheet(_WIDTH, _HEIGHT, _PAPER)
    accent = _ACCENTS[len(receipt.number) * len(receipt.merchant) % len(_ACCENTS)]
    _letterhead(sheet, receipt, accent)
    _parties(sheet, receipt)
    _table_head(sheet, accent)
    for position, item in enumerate(receipt.items):
        _row(sheet, receipt, item, shaded=position % 2 == 1)
    _sums(sheet, receipt, accent)
    _foot(sheet, receipt)
    return sheet.image


def _letterhead(sheet: Sheet, receipt: Receipt, accent: Ink) -> None:
    sheet.block(0, _WIDTH, 14, accent)
    sheet.y = 56
    sheet.text(_LEFT, receipt.merchant, size=31, ink=accent, bold=True)
    sheet.y += 48
    for line in receipt.address:
        sheet.text(_LEFT, line, size=18, ink=_FADED)
        sheet.y += 25
    sheet.y += 40


def _parties(sheet: Sheet, receipt: Receipt) -> None:
    top = sheet.y
    for line in ("BILL TO", "Ada Example", "Analytical Engines Ltd", "12 St James's Square"):
        is_label = line == "BILL TO"
        sheet.text(_LEFT, line, size=15 if is_label else 19, ink=_FADED if is_label else _INK)
        sheet.y += 27
    sheet.y = top
    sheet.text(_RIGHT, "INVOICE", size=30, ink=_INK, align="right", bold=True)
    sheet.y += 48
    _right_pair(sheet, "Invoice no.", receipt.number)
    _right_pair(sheet, "Date", receipt.printed_date)
    sheet.y = top + 160


def _right_pair(sheet: Sheet, label: str, value: str) -> None:
    sheet.text(_UNIT_PRICE - 70, label, size=18, ink=_FADED, align="right")
    sheet.text(_RIGHT, value, size=18, ink=_INK, align="right")
    sheet.y += 28


def _table_head(sheet: Sheet, accent: Ink) -> None:
    sheet.block(_LEFT - 14, _RIGHT + 14, _LINE, accent)
    sheet.y += 11
    _cells(sheet, ("Description", "Qty", "Unit price", "Amount"), ink=_PAPER, size=17)
    sheet.y += _LINE - 11


def _row(sheet: Sheet, receipt: Receipt, item: LineItem, *, shaded: bool) -> None:
    if shaded:
        sheet.block(_LEFT - 14, _RIGHT + 14, _LINE, _SHADE)
    sheet.y += 10
    amounts = (str(item.quantity), receipt.money(item.unit_price), receipt.money(item.amount))
    _cells(sheet, (item.description, *amounts), ink=_INK, size=19)
    sheet.y += _LINE - 10


def _cells(sheet: Sheet, cells: tuple[str, ...], *, ink: Ink, size: int) -> None:
    description, *amounts = cells
    sheet.text(_LEFT, description, size=size, ink=ink)
    for x, cell in zip((_QUANTITY, _UNIT_PRICE, _RIGHT), amounts, strict=True):
        sheet.text(x, cell, size=size, ink=ink, align="right")


def _sums(sheet: Sheet, receipt: Receipt, accent: Ink) -> None:
    sheet.y += 6
    sheet.rule(_LEFT - 14, _RIGHT + 14, _FAINT, thickness=2)
    sheet.y += 22
    tax_label = f"{receipt.tax_name} {receipt.tax_percent.normalize():f} %"
    for label, amount in (("Subtotal", receipt.subtotal), (tax_label, receipt.tax)):
        sheet.text(_UNIT_PRICE, label, size=19, ink=_FADED, align="right")
        sheet.text(_RIGHT, receipt.money(amount), size=19, ink=_INK, align="right")
        sheet.y += 34
    sheet.rule(_QUANTITY, _RIGHT, _INK, thickness=2)
    sheet.y += 14
    sheet.text(_UNIT_PRICE, f"Total {receipt.currency}", size=24, ink=accent, align="right", bold=True)
    sheet.text(_RIGHT, f"{receipt.total:,.2f}", size=24, ink=accent, align="right", bold=True)


def _foot(sheet: Sheet, receipt: Receipt) -> None:
    sheet.y = _HEIGHT - 86
    sheet.rule(_LEFT - 14, _RIGHT + 14, _FAINT)
    sheet.y += 20
    sheet.text(_WIDTH // 2, receipt.closing, size=17, ink=_FADED, align="middle")
