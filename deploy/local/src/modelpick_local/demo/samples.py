"""The sample receipts of the demo: invented shops, fixed figures, the same bytes every time."""

import datetime as dt
from decimal import Decimal

from modelpick_local.demo.drawing import png_of
from modelpick_local.demo.invoice import draw_invoice
from modelpick_local.demo.receipts import Layout, LineItem, Receipt
from modelpick_local.demo.till import draw_till_receipt
from modelpick_local.demo.upload import Upload

_DRAWERS = {Layout.TILL: draw_till_receipt, Layout.INVOICE: draw_invoice}

PROMPT = (
    "Extract merchant, date (YYYY-MM-DD), currency (ISO 4217), line_items (description, quantity, unit_price,"
    " amount), subtotal, tax and total from this receipt. Answer with one JSON object and nothing else."
)


def sample_uploads(count: int) -> list[Upload]:
    """Draw the first `count` of the samples, with what a perfect model would return for each."""
    return [_upload(receipt) for receipt in SAMPLES[:count]]


def _upload(receipt: Receipt) -> Upload:
    content = png_of(_DRAWERS[receipt.layout](receipt))
    return Upload(f"{receipt.number}.png", "image/png", content, receipt.expected())


def _items(*lines: tuple[str, int, str]) -> tuple[LineItem, ...]:
    return tuple(LineItem(description, quantity, Decimal(price)) for description, quantity, price in lines)


SAMPLES = (
    Receipt(
        number="T-20417",
        layout=Layout.TILL,
        merchant="Harbour Street Coffee",
        address=("18 Harbour Street", "Portland, ME 04101"),
        date=dt.date(2026, 3, 14),
        printed_date="03/14/2026 08:52",
        currency="USD",
        sign="$",
        items=_items(
            ("Flat white", 2, "4.75"),
            ("Oat milk", 1, "0.80"),
            ("Almond croissant", 3, "3.95"),
            ("Orange juice", 1, "4.20"),
        ),
        tax_name="Sales tax",
        tax_percent=Decimal("8.00"),
        closing="Thank you, see you tomorrow!",
    ),
    Receipt(
        number="INV-2026-0318",
        layout=Layout.INVOICE,
        merchant="Lindqvist Office Supply AB",
        address=("Kungsgatan 42", "411 15 Goteborg, Sweden"),
        date=dt.date(2026, 2, 27),
        printed_date="27 February 2026",
        currency="EUR",
        sign="EUR ",
        items=_items(
            ("Desk lamp, dimmable", 4, "39.50"),
            ("Copy paper A4, box of 5", 12, "21.90"),
            ("Ergonomic mouse", 3, "54.00"),
            ("Whiteboard 120 x 90 cm", 1, "129.00"),
        ),
        tax_name="VAT",
        tax_percent=Decimal(25),
        closing="Payable within 30 days. IBAN SE45 5000 0000 0583 9825 7466",
    ),
    Receipt(
        number="T-00886",
        layout=Layout.TILL,
        merchant="Grocer & Daughters",
        address=("7 Market Row", "Bristol BS1 4QT"),
        date=dt.date(2026, 1, 9),
        printed_date="09-01-26 17:31",
        currency="GBP",
        sign="GBP ",
        items=_items(
            ("Sourdough loaf", 1, "3.60"),
            ("Free range eggs x6", 2, "2.35"),
            ("Cheddar, mature", 1, "5.15"),
            ("Braeburn apples", 6, "0.45"),
            ("Washing-up liquid", 1, "1.89"),
            ("Dark chocolate 70%", 3, "2.20"),
        ),
        tax_name="VAT",
        tax_percent=Decimal(20),
        closing="Keep this receipt for returns",
    ),
    Receipt(
        number="2026/117",
        layout=Layout.INVOICE,
        merchant="Bluebird Print Studio",
        address=("2290 Mission Street", "San Francisco, CA 94110"),
        date=dt.date(2026, 4, 2),
        printed_date="April 2, 2026",
        currency="USD",
        sign="$",
        items=_items(
            ("Business cards, 350 gsm (250)", 2, "48.00"),
            ("Poster A2, matte", 10, "12.50"),
            ("Design hours", 3, "85.00"),
        ),
        tax_name="Sales tax",
        tax_percent=Decimal("8.63"),
        closing="Thank you for your business.",
    ),
    Receipt(
        number="T-51190",
        layout=Layout.TILL,
        merchant="Pharmacie du Lac",
        address=("Quai du Mont-Blanc 3", "1201 Geneva"),
        date=dt.date(2026, 5, 21),
        printed_date="21.05.2026 11:07",
        currency="CHF",
        sign="CHF ",
        items=_items(
            ("Ibuprofen 400 mg", 1, "8.90"),
            ("Plasters, assorted", 2, "5.60"),
            ("Sun cream SPF 50", 1, "24.50"),
        ),
        tax_name="TVA",
        tax_percent=Decimal("2.6"),
        closing="Merci, au revoir",
    ),
    Receipt(
        number="R-7781",
        layout=Layout.INVOICE,
        merchant="Northfield Bicycle Works",
        address=("501 Division Street", "Northfield, MN 55057"),
        date=dt.date(2025, 11, 18),
        printed_date="2025-11-18",
        currency="USD",
        sign="$",
        items=_items(
            ("Full service, hydraulic brakes", 1, "145.00"),
            ("Brake pads, pair", 2, "18.75"),
            ("Chain, 11-speed", 1, "42.30"),
            ("Inner tube 700c", 2, "7.95"),
            ("Tubeless sealant 60 ml", 1, "6.40"),
        ),
        tax_name="Sales tax",
        tax_percent=Decimal("7.38"),
        closing="All work guaranteed for 90 days.",
    ),
    Receipt(
        number="T-33102",
        layout=Layout.TILL,
        merchant="Noodle Bar Sakura",
        address=("Level 2, 88 Lonsdale Street", "Melbourne VIC 3000"),
        date=dt.date(2026, 6, 6),
        printed_date="06 Jun 2026 19:48",
        currency="AUD",
        sign="$",
        items=_items(
            ("Tonkotsu ramen", 2, "21.50"),
            ("Gyoza (5)", 1, "9.80"),
            ("Edamame", 1, "7.00"),
            ("Green tea", 2, "4.50"),
        ),
        tax_name="GST",
        tax_percent=Decimal(10),
        closing="Arigato! Table 12, served by Mei",
    ),
    Receipt(
        number="F-2026-00042",
        layout=Layout.INVOICE,
        merchant="Maple Leaf Landscaping Inc.",
        address=("1450 Bank Street", "Ottawa, ON K1H 1B6"),
        date=dt.date(2026, 5, 4),
        printed_date="May 4, 2026",
        currency="CAD",
        sign="$",
        items=_items(
            ("Cedar hedge, 1.5 m", 24, "32.75"),
            ("Topsoil, cubic metre", 6, "48.00"),
            ("Planting, hours", 11, "65.00"),
            ("Delivery", 1, "120.00"),
        ),
        tax_name="HST",
        tax_percent=Decimal(13),
        closing="Please quote the invoice number with your payment.",
    ),
    Receipt(
        number="T-70025",
        layout=Layout.TILL,
        merchant="Papeterie Colibri",
        address=("14 rue des Martyrs", "75009 Paris"),
        date=dt.date(2026, 4, 30),
        printed_date="30/04/2026 15:20",
        currency="EUR",
        sign="EUR ",
        items=_items(
            ("Cahier A5, 96 pages", 4, "6.90"),
            ("Stylo plume", 1, "28.50"),
            ("Encre bleue 50 ml", 2, "8.25"),
            ("Enveloppes (25)", 1, "4.80"),
        ),
        tax_name="TVA",
        tax_percent=Decimal(20),
        closing="Retour sous 14 jours avec ce ticket",
    ),
    Receipt(
        number="SV-9034",
        layout=Layout.INVOICE,
        merchant="Silver Valley Plumbing Ltd",
        address=("Unit 5, Foundry Lane", "Leeds LS9 8AX"),
        date=dt.date(2026, 3, 31),
        printed_date="31/03/2026",
        currency="GBP",
        sign="GBP ",
        items=_items(
            ("Call-out, evening", 1, "75.00"),
            ("Labour, hours", 4, "52.50"),
            ("Copper pipe 15 mm, 3 m", 5, "13.20"),
            ("Isolating valve", 6, "4.85"),
        ),
        tax_name="VAT",
        tax_percent=Decimal(20),
        closing="Gas Safe registered. Payment due on receipt.",
    ),
)
