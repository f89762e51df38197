"""Where images lie: a local folder or S3-compatible storage, one interface."""

from modelpick_shared.images.store import (
    ImageKeyError,
    ImageStore,
    ImageStoreError,
    MissingImageError,
    open_image_store,
)

__all__ = ["ImageKeyError", "ImageStore", "ImageStoreError", "MissingImageError", "open_image_store"]
