"""Sessions and cached values, which stand behind an expiry where a store has none."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from minimalkv._carrying import is_framed
from minimalkv._errors import KeyNotFound
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv.ttl import TimeToLiveDecorator

_WORKERS: Final = 16


def as_the_site(store: KeyValueStore, key: str, *, raw: bool) -> KeyValueStore:
    """Return a store that reads and writes a key as Flask and Django do.

    Parameters
    ----------
    store : KeyValueStore
        What was typed.
    key : str
        The key.
    raw : bool
        Whether the bytes are wanted as they are stored.
    """
    if raw or not is_framed(store, key):
        return store
    return TimeToLiveDecorator(store)


def listed(store: KeyValueStore, prefix: str, *, raw: bool) -> Iterator[ObjectMeta]:
    """Yield the facts about values, also about what has expired and is there yet.

    What stands behind an expiry takes a request of its own, for its first bytes: some
    of them are under way at once.
    """
    metas = store.iter_meta(prefix)
    return metas if raw or store.ttl_support else _unframed(store, metas)


def _unframed(
    store: KeyValueStore, metas: Iterable[ObjectMeta]
) -> Iterator[ObjectMeta]:
    reader = TimeToLiveDecorator(store)
    pool = ThreadPoolExecutor(_WORKERS, "minimalkv-ls")
    waiting: deque[Future[ObjectMeta | None]] = deque()
    try:
        for meta in metas:
            if is_framed(store, meta.key):
                waiting.append(pool.submit(_look, reader, meta))
                yield from _looked(waiting, most=_WORKERS)
            else:
                yield from _looked(waiting, most=0)
                yield meta
        yield from _looked(waiting, most=0)
    finally:
        pool.shutdown(cancel_futures=True)


def _look(reader: TimeToLiveDecorator, meta: ObjectMeta) -> ObjectMeta | None:
    try:
        return reader._outer(meta, reader._peek(meta.key)[1])
    except KeyNotFound:
        return None  # deleted meanwhile


def _looked(
    waiting: deque[Future[ObjectMeta | None]], *, most: int
) -> Iterator[ObjectMeta]:
    """Yield in their order those that are known, and all but some."""
    while waiting and (len(waiting) > most or waiting[0].done()):
        meta = waiting.popleft().result()
        if meta is not None:
            yield meta
