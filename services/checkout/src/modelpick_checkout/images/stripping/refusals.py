from modelpick_checkout.errors import UnusableImageError


def damaged() -> UnusableImageError:
    return UnusableImageError("The image is damaged and cannot be read.")


def animated() -> UnusableImageError:
    return UnusableImageError("The image is animated: only a single frame is accepted.")
