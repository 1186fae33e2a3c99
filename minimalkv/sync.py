"""From one store to another: what is there already is not copied again."""

from collections.abc import Callable
from contextlib import ExitStack

from minimalkv._errors import ReadOnlyStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv._sync.looking import only_looking
from minimalkv._sync.overlap import refuse_overlap
from minimalkv._sync.run import Run
from minimalkv._sync.settings import Settings
from minimalkv._sync.tally import SyncProblem, SyncProgress, SyncReport

__all__ = ["WORKERS", "SyncProblem", "SyncProgress", "SyncReport", "sync"]

WORKERS = 10
"""Objects that are on their way at once, where nobody says how many.

The stores on S3, Azure and Google Cloud Storage keep as many connections.
"""


def sync(
    source: KeyValueStore,
    target: KeyValueStore,
    *,
    prefix: str = "",
    delete: bool = False,
    dry_run: bool = False,
    verify: bool = False,
    missing_only: bool = False,
    workers: int = WORKERS,
    progress: Callable[[SyncProgress], object] | None = None,
) -> SyncReport:
    """Make a store have what another one has, several objects at a time.

    What is there already with the same size and MD5 is not copied again, so whatever
    ends a run, the next one goes on where it ended. Where a listing has no MD5, the
    values are read to compare them. Every object appears whole, with its content type
    and headers where the target keeps them. Sessions and cached values (keys that begin
    with ``mkv-``) keep the time that they have to live; what has expired stays behind.

    Memory is bounded, however many objects there are: the listings of both stores wait
    in a temporary file, with about 200 bytes for each object.

    Parameters
    ----------
    source, target : KeyValueStore
        From where, and to where.
    prefix : str
        Only keys that begin with it.
    delete : bool
        Whether to delete from the target what the source has not, once all was copied
        and nothing failed. Not if the source has nothing at all, and nothing where the
        source has a symbolic link, which no store follows.
    dry_run : bool
        Whether only to tell what would be done. Where a bucket is missing that would be
        made, it counts as empty.
    verify : bool
        Whether to read all of it back from the target and to compare size and MD5, also
        what was there already; with *missing_only* just what was copied, for the rest
        may be newer than what the source has.
    missing_only : bool
        Whether to leave alone what the target has, whatever it is, and to take back
        what the source loses meanwhile; for the move of a live site.
    workers : int
        Objects that are on their way at once, from 1 to 128.
    progress : callable or None
        Gets a `SyncProgress` about five times a second, in the thread of the caller,
        and all problems.

    Returns
    -------
    SyncReport
        What was done; `SyncReport.complete` tells whether all of it.

    Raises
    ------
    InvalidArgument
        If *delete* and *missing_only* are both wanted, *workers* is out of range, or
        one store is inside the other, such as ``hfs://data/photos`` in ``hfs://data``.
    ReadOnlyStore
        If the target is read only.
    Unsupported
        If *missing_only* and the target has no ``conditional_support``.
    StoreError
        If a store cannot be listed, or the listings find no room; nothing was copied.
        What fails afterwards is in the report.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> here, there = DictStore({"a": b"1", "b": b"2"}), DictStore({"a": b"1"})
    >>> report = sync(here, there)
    >>> report.complete, report.copied, report.same
    (True, 1, 1)
    """
    settings = Settings(
        prefix=prefix,
        delete=delete,
        dry_run=dry_run,
        verify=verify,
        missing_only=missing_only,
        workers=workers,
    )
    refuse_overlap(source, target, prefix)
    if target.read_only and not dry_run:
        raise ReadOnlyStore(
            "The target of a sync is written to; this one is read only."
        )
    if missing_only:
        target._require_conditions()
    with ExitStack() as opened:
        if dry_run:
            source = opened.enter_context(only_looking(source))
            target = opened.enter_context(only_looking(target))
        return Run(source, target, settings, progress).run()
