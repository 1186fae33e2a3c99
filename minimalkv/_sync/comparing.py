"""Whether two stores have the same under a key: never by etag, which each has its own.

What is compared is the size, the MD5 and, where the target can keep it, the end. Under
the reserved prefix that of the values, not of their frames.
"""

from datetime import datetime

from minimalkv._carrying import Fingerprint, fingerprint, is_framed
from minimalkv._errors import KeyNotFound
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta, utc
from minimalkv._sync.listings import Facts, Listed


def is_known_to_be_same(
    source: KeyValueStore, target: KeyValueStore, listed: Listed
) -> bool:
    """Tell whether the listings alone show that nothing is to be done."""
    ours, theirs = _listed_values(source, target, listed)
    if ours is None or theirs is None:
        return False
    return _is_same(target, listed.key, ours, theirs)


def is_same(
    source: KeyValueStore, target: KeyValueStore, listed: Listed, *, by_reading: bool
) -> bool:
    """Tell whether the target has what the source has, reading what is not listed.

    Parameters
    ----------
    source, target : KeyValueStore
        The two sides.
    listed : Listed
        What the listings say; the target has something.
    by_reading : bool
        Whether the target has to be read, whatever its listing says.

    Raises
    ------
    KeyNotFound
        If the source has nothing any more.
    StoreError
        If a store failed.
    """
    key = listed.key
    here, there = _metas(listed)
    # What an older version stored under such a key has no frame, which shows only when
    # it is read.
    has_frame = is_framed(source, key) or is_framed(target, key)
    if here.size != there.size and not has_frame:
        return False
    try:
        ours = fingerprint(source, key, here)
        theirs = fingerprint(target, key, None if by_reading else there)
        if _is_same(target, key, ours, theirs):
            return True
        if here.md5 is None and (there.md5 is None or by_reading):
            return False
        # The MD5 of a listing may be none: S3 has another one for what it encrypts by
        # a key of KMS, which only the object itself tells.
        ours = _looked_at(source, ours, here)
        theirs = theirs if by_reading else _looked_at(target, theirs, there)
    except KeyNotFound:
        if key in source:
            return False
        raise
    return _is_same(target, key, ours, theirs)


def _looked_at(
    store: KeyValueStore, known: Fingerprint, meta: ObjectMeta
) -> Fingerprint:
    if meta.md5 is None:
        return known
    return fingerprint(store, meta.key, store.head(meta.key))


def _is_same(
    target: KeyValueStore, key: str, ours: Fingerprint, theirs: Fingerprint
) -> bool:
    if target.ttl_support or is_framed(target, key):
        return ours.is_same(theirs)
    return ours.is_same_value(theirs)


def _listed_values(
    source: KeyValueStore, target: KeyValueStore, listed: Listed
) -> list[Fingerprint | None]:
    here, there = _metas(listed)
    return [
        Fingerprint(meta.size, meta.md5, meta.expires, None)
        if meta.md5 is not None and not is_framed(store, meta.key)
        else None
        for store, meta in ((source, here), (target, there))
    ]


def _metas(listed: Listed) -> tuple[ObjectMeta, ObjectMeta]:
    """Return the facts as the stores told them."""
    assert listed.target is not None, "The target has nothing."  # noqa: S101 - by the callers
    return _meta(listed.key, listed.source), _meta(listed.key, listed.target)


def _meta(key: str, facts: Facts) -> ObjectMeta:
    return ObjectMeta(key, facts.size, md5=facts.md5, expires=_moment(facts.expires))


def _moment(secs: float | None) -> datetime | None:
    return None if secs is None else utc(secs)
