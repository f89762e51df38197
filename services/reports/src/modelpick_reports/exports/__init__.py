"""A report on paper and at a glance: PDF and preview picture."""

from modelpick_reports.exports.pdf import pdf_of
from modelpick_reports.exports.preview import preview_of

__all__ = ["pdf_of", "preview_of"]
