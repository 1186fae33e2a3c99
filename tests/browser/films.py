"""A long film, made without any encoder of films: frames of WebP are those of VP8."""

import io
import struct
from collections.abc import Iterable
from typing import Final

from PIL import Image

MINUTES: Final = 10
SECS: Final = MINUTES * 60
WIDTH, HEIGHT = 320, 240

_TIMESTAMP: Final = 8  # bytes of a number whose size must not depend on its value
_EBML, _SEGMENT, _INFO, _TRACKS, _CUES, _CLUSTER = (
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1C53BB6B,
    0x1F43B675,
)


def film() -> bytes:
    """Return a WebM of ten minutes and a frame a second; each minute has its shade.

    The index of its places stands before its frames, so that a player can seek in what
    it has not loaded.
    """
    frames = [_frame(shade(minute)) for minute in range(MINUTES)]
    clusters = [_cluster(second, frames[second // 60]) for second in range(SECS)]
    head = _element(_INFO, _info()) + _element(_TRACKS, _tracks())
    begin = len(head) + len(_cues(clusters, 0))
    body = b"".join([head, _cues(clusters, begin), *clusters])
    return _element(_EBML, _kind()) + _element(_SEGMENT, body)


def shade(minute: int) -> int:
    """Return how light the frames of a minute are, from 0 to 255."""
    return 20 + 20 * minute


def _frame(light: int) -> bytes:
    # Noise makes the film large, so that nobody loads all of it by the way.
    noise = Image.effect_noise((WIDTH, HEIGHT), 40)
    picture = Image.blend(noise, Image.new("L", noise.size, light), 0.5)
    data = io.BytesIO()
    picture.convert("RGB").save(data, "WEBP", quality=95)
    riff = data.getvalue()
    begin = riff.index(b"VP8 ")
    (size,) = struct.unpack_from("<I", riff, begin + 4)
    return riff[begin + 8 : begin + 8 + size]


def _element(number: int, content: bytes) -> bytes:
    name = number.to_bytes((number.bit_length() + 7) // 8)
    size = len(content)
    length = bytes([0x80 | size]) if size < 127 else ((1 << 56) | size).to_bytes(8)
    return name + length + content


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(_TIMESTAMP))


def _kind() -> bytes:
    numbers = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8))
    versions = ((0x4287, 2), (0x4285, 2))
    return b"".join(
        [
            *(_number(*one) for one in numbers),
            _element(0x4282, b"webm"),
            *(_number(*one) for one in versions),
        ]
    )


def _info() -> bytes:
    duration = _element(0x4489, struct.pack(">d", SECS * 1000))
    return _number(0x2AD7B1, 1_000_000) + duration + _programs()


def _programs() -> bytes:
    return _element(0x4D80, b"tests") + _element(0x5741, b"tests")


def _tracks() -> bytes:
    size = _number(0xB0, WIDTH) + _number(0xBA, HEIGHT)
    track = [
        *(_number(name, 1) for name in (0xD7, 0x73C5, 0x83)),
        _number(0x9C, 0),
        _element(0x86, b"V_VP8"),
        _element(0xE0, size),
    ]
    return _element(0xAE, b"".join(track))


def _cues(clusters: Iterable[bytes], begin: int) -> bytes:
    points = []
    for second, cluster in enumerate(clusters):
        place = _element(0xB7, _number(0xF7, 1) + _number(0xF1, begin))
        points.append(_element(0xBB, _number(0xB3, second * 1000) + place))
        begin += len(cluster)
    return _element(_CUES, b"".join(points))


def _cluster(second: int, frame: bytes) -> bytes:
    block = b"\x81\0\0\x80" + frame  # of the first track, at once, a key frame
    return _element(_CLUSTER, _number(0xE7, second * 1000) + _element(0xA3, block))
