"""The report document: what a report says, as one JSON value, and the statistics in it."""

from modelpick_shared.document.builder import build_document, run_number
from modelpick_shared.document.entries import IN_FULL, run_entry
from modelpick_shared.document.facts import ReportFacts, RunFacts
from modelpick_shared.document.figures import flipping_fields
from modelpick_shared.document.schemas import ReportDocument, RunEntry, Usd, UtcTime, plain_usd

__all__ = [
    "IN_FULL",
    "ReportDocument",
    "ReportFacts",
    "RunEntry",
    "RunFacts",
    "Usd",
    "UtcTime",
    "build_document",
    "flipping_fields",
    "plain_usd",
    "run_entry",
    "run_number",
]
