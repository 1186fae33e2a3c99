"""Small pictures of large ones, within bounds that no picture can leave."""

import io
from typing import Final

from PIL import Image, ImageOps

MAX_PIXELS: Final = 50_000_000
"""The largest picture that is looked at: 50 megapixels are 200 MB of memory."""

CONTENT_TYPE: Final = "image/webp"

_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_BOX: Final = (640, 480)  # twice as many pixels as the page shows, for sharp screens
_QUALITY: Final = 80

# Pillow itself refuses what has more than twice as many, by the same number.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class NoPicture(ValueError):
    """The bytes are no picture that can be shown; the message is for the visitor."""


def thumbnail_of(content: bytes) -> bytes:
    """Return a small picture, as WebP, of a PNG, JPEG, GIF or WebP.

    Raises
    ------
    NoPicture
        If it is none, is damaged, or has more than 50 megapixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            _check_size(picture)
            return _small(picture)
    except NoPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError, IndexError) as error:
        # That is what decoders raise for damaged files, whatever is wrong with them.
        raise NoPicture("has no picture that can be shown") from error


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large()


def _too_large() -> NoPicture:
    return NoPicture(f"has more than {MAX_PIXELS // 10**6} megapixels")


def _small(picture: Image.Image) -> bytes:
    picture.thumbnail(_BOX)
    upright = ImageOps.exif_transpose(picture)
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    data = io.BytesIO()
    upright.convert(mode).save(data, "WEBP", quality=_QUALITY)
    return data.getvalue()
