from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from modelpick_checkout.images.decoders import Decoders
from modelpick_checkout.images.deletions import Deletions
from modelpick_checkout.images.retention import Retention
from modelpick_shared.db import Database
from modelpick_shared.images import ImageStore, open_image_store


@dataclass(frozen=True)
class ImageFiles:
    """What deals with the files of images: their store, who looks into them, and who lets them go."""

    store: ImageStore
    decoders: Decoders
    deletions: Deletions
    retention: Retention

    @classmethod
    def of(cls, database: Database, *, store_url: str, retention_days: int) -> Self:
        store = open_image_store(store_url)
        deletions = Deletions(database, store)
        retention = Retention(database, deletions, report_images=timedelta(days=retention_days))
        return cls(store, Decoders(), deletions, retention)
