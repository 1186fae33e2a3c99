"""How a cached value becomes bytes, and fewer bytes; each has a number in the frame."""

import json
import pickle
import zlib
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, Final, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string

_OWN: Final = 15


class Serializer(NamedTuple):
    """Makes bytes of values, and values of bytes.

    Attributes
    ----------
    number : int
        From 0 to 15, what the frame calls it.
    dumps, loads : callable
        There and back.
    """

    number: int
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


class Compressor(NamedTuple):
    """Makes bytes fewer, and gives them back.

    Attributes
    ----------
    number : int
        From 1 to 3, what the frame calls it.
    compress, decompress : callable
        There and back.
    """

    number: int
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


def _pickle() -> Serializer:
    # Named, so that processes with other versions of Python read it during an upgrade.
    dumps = partial(pickle.dumps, protocol=5)
    # Only what was signed gets here.
    return Serializer(0, dumps, pickle.loads)


def _json() -> Serializer:
    encoder = DjangoJSONEncoder(separators=(",", ":"), ensure_ascii=False)
    return Serializer(1, lambda value: encoder.encode(value).encode(), json.loads)


def _msgpack() -> Serializer:
    module = _installed("msgspec.msgpack", needed_by="serializer 'msgpack'")
    return Serializer(2, module.encode, module.decode)


def _zlib() -> Compressor:
    return Compressor(1, partial(zlib.compress, level=1), zlib.decompress)


def _zstd() -> Compressor:
    module = _installed("zstandard", needed_by="compressor 'zstd'")
    # Neither of its objects may be used by two threads at once.
    return Compressor(
        2,
        lambda data: bytes(module.ZstdCompressor().compress(data)),
        lambda data: bytes(module.ZstdDecompressor().decompress(data)),
    )


SERIALIZERS: Final = {"pickle": _pickle, "json": _json, "msgpack": _msgpack}
COMPRESSORS: Final = {"zlib": _zlib, "zstd": _zstd}
_NUMBERS: Final = {1: "zlib", 2: "zstd"}


def find_serializer(wanted: object) -> Serializer:
    """Return a serializer by its name, or by the path of something that has its calls.

    Raises
    ------
    ImproperlyConfigured
        If there is none, or it is not installed.
    """
    if not isinstance(wanted, str) or not (wanted in SERIALIZERS or "." in wanted):
        raise ImproperlyConfigured(
            f"The option 'serializer' is one of {', '.join(SERIALIZERS)} or the path "
            f"of a class with dumps and loads, not {wanted!r}."
        )
    return _serializer(wanted)


@cache
def _serializer(name: str) -> Serializer:
    return SERIALIZERS[name]() if name in SERIALIZERS else _imported(name)


def _imported(path: str) -> Serializer:
    try:
        found = import_string(path)
        made = found() if isinstance(found, type) else found
        return Serializer(_OWN, made.dumps, made.loads)
    except (ImportError, TypeError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"The serializer {path!r} cannot be used, it has to be a class that needs "
            f"no arguments, with dumps and loads: {error}"
        ) from error


def find_compressor(wanted: object) -> Compressor | None:
    """Return a compressor by its name, None for None.

    Raises
    ------
    ImproperlyConfigured
        If there is none, or it is not installed.
    """
    if wanted is None:
        return None
    if not isinstance(wanted, str) or wanted not in COMPRESSORS:
        raise ImproperlyConfigured(
            f"The option 'compressor' is one of {', '.join(COMPRESSORS)} or None, not "
            f"{wanted!r}."
        )
    return _compressor(wanted)


@cache
def _compressor(name: str) -> Compressor:
    return COMPRESSORS[name]()


def decompress(number: int, data: bytes) -> bytes:
    """Give back what a compressor of that number got; 0 stands for none.

    Raises
    ------
    ImproperlyConfigured
        If it is not installed here.
    KeyError
        If there is none.
    """
    found = find_compressor(_NUMBERS[number]) if number else None
    return data if found is None else found.decompress(data)


def _installed(module: str, needed_by: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImproperlyConfigured(
            f"The {needed_by} needs {package}: pip install {package}"
        ) from error
