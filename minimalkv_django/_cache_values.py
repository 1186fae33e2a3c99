r"""Cached values as bytes that nobody without the secret key can make.

A whole number of 64 bits is stored as its digits, so that the store can add to it. It
is not signed: the store itself changes it, and digits can be nothing but a number.

Anything else stands in a frame: 4 bytes of magic, one of version, one that tells how
the value was made, 32 of HMAC-SHA256, the text of the key where the key in the store is
a hash, and the payload. The HMAC is over all of that and over the whole key, so a value
that was copied to another key is not read there.
"""

import logging
import re
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed

from minimalkv._signing import Macs, signing_keys
from minimalkv_django._cache_codecs import decompress
from minimalkv_django._cache_options import Options

MISSING: Final = object()
"""Stands for the value that is not there, since None is one."""

_log: Final = logging.getLogger("minimalkv_django")

# The first byte is no text in any encoding; the last is the version.
_MAGIC: Final = b"\x89kvc\x01"
_MAC_BYTES: Final = 32
_HEAD_BYTES: Final = len(_MAGIC) + 1
_BODY: Final = _HEAD_BYTES + _MAC_BYTES
_LENGTH: Final = Struct(">I")
_HAS_KEY: Final = 0x80
_COMPRESSOR: Final = 4
_LOW: Final = 0x0F

_NUMBER: Final = re.compile(rb"(?:0|-?[1-9][0-9]{0,18})\Z")
_LARGEST: Final = 2**63
_SHOWN: Final = 80


class Unreadable(Exception):
    """The bytes are no value of ours; the text says why."""


@lru_cache(maxsize=1)
def _macs() -> Macs:
    keys = signing_keys(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS)
    return Macs("cache", keys)


def _forget_keys(*, setting: str, **_: Any) -> None:
    if setting.startswith("SECRET_KEY"):
        _macs.cache_clear()


setting_changed.connect(_forget_keys)


class Values:
    """Turns the values of one cache into bytes, and back.

    Parameters
    ----------
    place : str
        What the keys of the cache begin with in the store.
    options : Options
        How they are made.
    """

    def __init__(self, place: str, options: Options) -> None:
        self._place = place.encode()
        self._options = options
        self._loads = options.serializer.loads
        self._usual = _MAGIC + bytes([options.serializer.number])

    def dump(self, text: str, value: object, *, is_hashed: bool) -> bytes:
        """Return the bytes that stand for a value.

        Parameters
        ----------
        text : str
            The whole key.
        value : object
            What the serializer takes.
        is_hashed : bool
            Whether the key in the store does not tell the whole one.
        """
        if type(value) is int and not is_hashed and -_LARGEST <= value < _LARGEST:
            return b"%d" % value
        payload = self._options.serializer.dumps(value)
        name = text.encode("utf-8", "surrogatepass")
        head = self._usual
        least = self._options.compress_min_bytes
        if self._options.compressor is not None and len(payload) >= least:
            head, payload = self._compressed(payload)
        if is_hashed:
            head = _MAGIC + bytes([head[-1] | _HAS_KEY])
            payload = b"".join((_LENGTH.pack(len(name)), name, payload))
        mac = _macs().sign(self._context(name), head, payload)
        return b"".join((head, mac, payload))

    def _compressed(self, payload: bytes) -> tuple[bytes, bytes]:
        compressor = self._options.compressor
        head = self._usual
        if compressor is None:
            return head, payload
        smaller = compressor.compress(payload)
        if len(smaller) >= len(payload):
            return head, payload
        flags = self._usual[-1] | compressor.number << _COMPRESSOR
        return _MAGIC + bytes([flags]), smaller

    def _context(self, name: bytes) -> bytes:
        # With its length, so that no other key and payload give the same bytes.
        return b"".join((_LENGTH.pack(len(name)), self._place, name))

    def load(self, text: str, data: bytes) -> Any:
        """Return a value, `MISSING` and a line in the log if it is none of ours."""
        if len(data) < _BODY and _NUMBER.match(data):
            return int(data)
        try:
            return self._load(text, data)
        except Exception as error:  # noqa: BLE001 - a value may be unpickled by anything
            why = error if isinstance(error, Unreadable) else type(error).__name__
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            _log.warning("The cached value of %r counts as missing: %s", shown, why)
            return MISSING

    def _load(self, text: str, data: bytes) -> Any:
        if len(data) < _BODY or not data.startswith(_MAGIC):
            raise Unreadable("it was not written by this cache")
        name = text.encode("utf-8", "surrogatepass")
        head, mac, payload = data[:_HEAD_BYTES], data[_HEAD_BYTES:_BODY], data[_BODY:]
        if not _macs().are_ours(mac, self._context(name), head, payload):
            raise Unreadable(
                "it was not signed with SECRET_KEY, or for another key of the cache"
            )
        if head == self._usual:
            return self._loads(payload)
        flags = head[-1]
        if flags & _HAS_KEY:
            payload = payload[_LENGTH.size + len(name) :]
        if flags & _LOW != self._options.serializer.number:
            raise Unreadable("it was made by another serializer")
        return self._loads(decompress((flags & ~_HAS_KEY) >> _COMPRESSOR, payload))


def key_in(data: bytes) -> str | None:
    """Return the key that stands in a frame, unchecked; None if there is none."""
    if len(data) < _BODY or not data.startswith(_MAGIC):
        return None
    begin = _BODY + _LENGTH.size
    if not data[_HEAD_BYTES - 1] & _HAS_KEY or len(data) < begin:
        return None
    (length,) = _LENGTH.unpack_from(data, _BODY)
    try:
        return data[begin : begin + length].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
