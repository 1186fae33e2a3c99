"""Files of Django on S3: against the storage of django-storages."""

import io
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

from benchmarks.buckets import PEER, Buckets, new_buckets
from benchmarks.measure import Effort, Row, Rows, compare, summarize
from tests.proxy import Proxy

_MIB: Final = 2**20
_LARGE_MIB: Final = 16
_END_BYTES: Final = 1024
_SLOWER: Final = 2
_TIMES: Final = 3
_LARGE: Final = "large.bin"
_SMALL: Final = "small.txt"
_VALUE: Final = b"v" * 1000
_numbers: Final = count(1)

Storage = Any  # theirs has no types


class Use(NamedTuple):
    """Something that is done with files.

    Attributes
    ----------
    name : str
        What.
    call : callable
        Does it, with a storage.
    requests : int
        The most requests that ours may take.
    overwrites : bool
        Whether the storage is one that replaces files.
    before : callable
        What was done just before, whose requests do not count.
    """

    name: str
    call: Callable[[Storage], object]
    requests: int
    overwrites: bool = False
    before: Callable[[Storage], object] = bool


def rows(effort: Effort) -> Rows:
    """Measure requests, bytes and time of what is done with files."""
    given = new_buckets()
    # Django takes its settings once in a process, and others are measured with others.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield from process.submit(_measure, given, effort.slow(_SLOWER)).result()


def _measure(buckets: Buckets, effort: Effort) -> list[Row]:
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["minimalkv_django"], USE_TZ=True)
    django.setup()
    with Proxy(buckets.port) as proxy:
        through = buckets.through(proxy.port)
        return [
            row
            for use in _USES
            for row in _rows_of(use, buckets, through, proxy, effort)
        ]


def _rows_of(
    use: Use, buckets: Buckets, through: Buckets, proxy: Proxy, effort: Effort
) -> Rows:
    label = f"django on S3, {use.name}"
    counted = [_counted(use, make(use, through), proxy) for make in (_theirs, _ours)]
    (theirs, their_bytes), (ours, our_bytes) = counted
    aim = use.requests / theirs
    name = f"{label}, {ours} requests / {theirs} of {PEER}"
    yield summarize(name, [ours / theirs] * _TIMES, aim)
    if use.call is _read_end:
        name = f"{label}, {our_bytes >> 10} KiB / {their_bytes >> 10} KiB of {PEER}"
        yield summarize(name, [our_bytes / their_bytes] * _TIMES, 1 / _LARGE_MIB)
    bare, made = (_prepared(make(use, buckets)) for make in (_theirs, _ours))
    calls = partial(_do, use, bare), partial(_do, use, made)
    yield compare(f"{label} / {PEER}", *calls, effort, 1.0)


def _theirs(use: Use, buckets: Buckets) -> Storage:
    from storages.backends.s3 import S3Storage

    return S3Storage(**buckets.options(file_overwrite=use.overwrites))


def _ours(use: Use, buckets: Buckets) -> Storage:
    from minimalkv_django.storage import KVStorage

    return KVStorage(buckets.url, allow_overwrite=use.overwrites)


def _counted(use: Use, storage: Storage, proxy: Proxy) -> tuple[int, int]:
    """Return how many requests a use takes, and how many bytes are answered."""
    _prepared(storage)
    use.call(storage)  # what only the first does
    _prepared(storage)
    use.before(storage)
    proxy.reset_counts()
    use.call(storage)
    return len(proxy.requests), sum(r.reply_bytes for r in proxy.requests)


def _prepared(storage: Storage) -> Storage:
    from django.core.files.base import ContentFile

    for name, value in ((_SMALL, _VALUE), (_LARGE, bytes(_LARGE_MIB * _MIB))):
        if not storage.exists(name):
            storage.save(name, ContentFile(value))
    return storage


def _do(use: Use, storage: Storage) -> None:
    use.before(storage)
    use.call(storage)


def _save(storage: Storage) -> None:
    from django.core.files.base import ContentFile

    storage.save(f"new-{next(_numbers)}.txt", ContentFile(_VALUE))


def _read(storage: Storage) -> None:
    with storage.open(_SMALL) as file:
        file.read()


def _read_end(storage: Storage) -> None:
    with storage.open(_LARGE) as file:
        file.seek(-_END_BYTES, io.SEEK_END)
        file.read()


def _list(storage: Storage) -> None:
    storage.listdir("")


def _look(storage: Storage) -> None:
    storage.exists(_SMALL)
    storage.size(_SMALL)
    storage.get_modified_time(_SMALL)


_USES: Final = (
    Use("save, replacing", _save, 1, overwrites=True),
    Use("save", _save, 1),
    Use("open and read 1 KB", _read, 1),
    Use(f"read the last KiB of {_LARGE_MIB} MiB", _read_end, 2),
    Use("exists, size, modified after a listing", _look, 0, before=_list),
)
