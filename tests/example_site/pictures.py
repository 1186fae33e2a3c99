"""Pictures and videos to send to the example site."""

import io
import random
from typing import Final

from PIL import Image

SIDE: Final = 64


def picture(kind: str = "PNG", width: int = SIDE, height: int = SIDE) -> bytes:
    """Return a picture from dark to light."""
    data = io.BytesIO()
    shades = Image.linear_gradient("L").resize((width, height))
    shades.convert("RGB").save(data, kind)
    return data.getvalue()


def noise(width: int, height: int) -> bytes:
    """Return a picture that hardly any format makes smaller."""
    data = io.BytesIO()
    Image.effect_noise((width, height), 100).save(data, "PNG")
    return data.getvalue()


PNG: Final = picture("PNG")
JPEG: Final = picture("JPEG")
GIF: Final = picture("GIF")
WEBP: Final = picture("WEBP")

MP4: Final = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + random.Random(1).randbytes(4096)
"""What begins as a video does."""
