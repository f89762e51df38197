"""The curated models, read from the data file beside this module."""

from modelpick_shared.catalog.catalog import Catalog, effective_concurrency, load_catalog

__all__ = ["Catalog", "effective_concurrency", "load_catalog"]
