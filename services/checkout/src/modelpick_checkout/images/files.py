from dataclasses import dataclass
from typing import Self

from modelpick_checkout.images.decoders import Decoders
from modelpick_checkout.images.deletions import Deletions
from modelpick_shared.db import Database
from modelpick_shared.images import ImageStore, open_image_store


@dataclass(frozen=True)
class ImageFiles:
    """What deals with the files of images: their store, who looks into them, and who removes them."""

    store: ImageStore
    decoders: Decoders
    deletions: Deletions

    @classmethod
    def of(cls, database: Database, *, store_url: str) -> Self:
        store = open_image_store(store_url)
        return cls(store, Decoders(), Deletions(database, store))
