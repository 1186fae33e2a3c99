"""Stores that are broken on purpose: each breaks a promise, and a contract notices."""

import io
import threading
import time
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from minimalkv import KeyNotFound, KeyValueStore, ObjectMeta
from minimalkv._conditions import changed, exists
from minimalkv._contract import tools
from minimalkv._hstores import HDictStore
from minimalkv.memory import DictStore
from minimalkv.testing import (
    ConditionalContract,
    CopyContract,
    StoreContract,
    StoreStateMachine,
    TimeToLiveContract,
    UrlContract,
)
from tests.clocks import FakeClock


def linger() -> None:
    """Let others do what they would do, sooner or later, at this very moment."""
    threading.Event().wait(0.002)


class Contracts(
    StoreContract, ConditionalContract, CopyContract, TimeToLiveContract, UrlContract
):
    """All of them, for tests that are called one by one."""


class Truncates(DictStore):
    """It has a buffer of 64 KiB, and forgets what did not fit."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return super()._put(key, data[:65536], *args, **options)


class EndsAtAShortRead(DictStore):
    """It takes a read that gave less than was asked for as the end."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        data = b""
        while part := file.read(65536):
            data += part
            if len(part) < 65536:
                break
        return self._put(key, data, *args, **options)


class ShowsHalfAValue(DictStore):
    """Its value grows while its source is read."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        self._put(key, b"", *args, **options)
        while part := file.read(65536):
            self._put(key, self.d[key] + part)
        return key


class ShowsTemporaries(DictStore):
    """It writes under another name first, which the listing does not hide."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        temporary = f"{key}.tmp"
        self._put(temporary, b"")
        data = b"".join(iter(lambda: file.read(65536), b""))
        self._delete(temporary)
        return self._put(key, data, *args, **options)


class TearsValues(DictStore):
    """It writes in two halves, and readers come between."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        old = self.d.get(key, b"")
        super()._put(key, data[:9] + old[9:], *args, **options)
        linger()
        return super()._put(key, data, *args, **options)


class ChecksThenCreates(DictStore):
    """Others come between its look and its write."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if options.pop("if_absent", False):
            if key in self.d:
                raise exists(key)
            linger()
        return super()._put(key, data, *args, **options)


class ChecksThenReplaces(DictStore):
    """Others come between its comparison and its write."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        etag = options.pop("if_match", None)
        if etag is not None:
            if key not in self.d or self._head(key).etag != etag:
                raise changed(key)
            linger()
        return super()._put(key, data, *args, **options)


class LetsAPlainPutSlipIn(ChecksThenReplaces):
    """Its conditional writes exclude each other, but no plain put."""

    def __init__(self) -> None:
        super().__init__()
        self.conditional = threading.Lock()

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if "if_match" in options:
            with self.conditional:
                return super()._put(key, data, *args, **options)
        return super()._put(key, data, *args, **options)


class LosesIncrements(DictStore):
    """It reads, adds and writes, as if it were alone."""

    def _increment(self, key: str, delta: int) -> int:
        number = int(self._get(key)) + delta
        linger()
        self._put(key, b"%d" % number)
        return number


class TellsTimeCoarsely(DictStore):
    """Its version is the time of writing, in ticks that last a while."""

    def _meta(self, key: str, info: Any) -> ObjectMeta:
        meta = super()._meta(key, info)
        return ObjectMeta(key, meta.size, etag=f"{info.version // 10**9}-{meta.size}")


class OpensToWrite(DictStore):
    """What it opens can be written to."""

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))


class MixesVersions(DictStore):
    """Each read of an open file is a request of its own, for whatever is there then."""

    def _open(self, key: str) -> BinaryIO:
        self._get(key)
        return io.BufferedReader(_Ranges(self, key), 8192)


class _Ranges(io.RawIOBase):
    def __init__(self, store: MixesVersions, key: str) -> None:
        self._store = store
        self._key = key
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        value = io.BytesIO(self._store.d[self._key])
        value.seek(self._position)
        self._position = value.seek(offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        begin = self._position
        part = self._store.d[self._key][begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


class CountsFromOne(DictStore):
    """It takes the end of a range as a part of it, as HTTP does."""

    def _stream(
        self, key: str, start: int = 0, stop: int | None = None, *args: Any
    ) -> tuple[ObjectMeta, BinaryIO]:
        return super()._stream(key, start, None if stop is None else stop + 1, *args)


class EmptiesTheFile(DictStore):
    """It opens the caller's file before it knows that there is a value."""

    def _get_filename(self, key: str, filename: str) -> None:
        with Path(filename).open("wb") as file:
            file.write(self._get(key))


class PublishesOnError(DictStore):
    """Its writer is closed by an exception as by anything else."""

    def open_writer(self, key: str, *args: Any, **options: Any) -> Any:
        writer: Any = super().open_writer(key, *args, **options)
        writer.abort = writer.close
        return writer


class FoldsCase(DictStore):
    """Its file system thinks that A is a."""

    def _get(self, key: str) -> bytes:
        return super()._get(key.lower())

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        super()._put(key.lower(), data, *args, **options)
        return key


class TakesAnyKey(HDictStore):
    """It leaves the root when it is told to."""

    def _check_valid_key(self, key: str) -> None:
        if not isinstance(key, str) or not key:
            super()._check_valid_key(key)


class TakesANewline(DictStore):
    """Its pattern ends with a dollar, which a newline may follow."""

    def _check_valid_key(self, key: str) -> None:
        super()._check_valid_key(key.removesuffix("\n"))


class TakesText(DictStore):
    """It encodes text, and guesses how."""

    def _check_data(self, data: object) -> None:
        if not isinstance(data, str):
            super()._check_data(data)


class MissesOnDelete(DictStore):
    """It cannot delete what is not there."""

    def _delete(self, key: str, **options: Any) -> None:
        if key not in self.d:
            raise KeyNotFound(key)
        super()._delete(key, **options)


class MovesItselfAway(DictStore):
    """It copies onto itself and deletes the source."""

    def move(self, source: str, dest: str) -> str:
        self._copy(source, dest)
        self._delete(source)
        return dest


class ShowsValues(DictStore):
    """It is easy to debug."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.d}>"


class ForgetsTheFork(DictStore):
    """A child finds its lock as it was: perhaps held, by a thread that is not there."""

    def _after_fork(self) -> None:
        pass

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        with self._lock:
            linger()
        return super()._put(key, data, *args, **options)


class IgnoresTtl(DictStore):
    """It says that it has no time to live, and lets it be asked for all the same."""

    ttl_support = False

    def put(self, key: str, data: bytes, *_: object, **options: Any) -> str:
        options.pop("ttl_secs", None)
        return super().put(key, data, **options)


class ShowsTheExpired(DictStore):
    """It looks for what has expired only when it is asked by head."""

    def _get(self, key: str) -> bytes:
        if key not in self.d:
            raise KeyNotFound(key)
        return self.d[key]


class ForgetsTheEnd(DictStore):
    """Its copies live forever."""

    def _copy(self, source: str, dest: str) -> None:
        self._put(dest, self._get(source))


class PurgesTooMuch(DictStore):
    """It deletes what had expired when it looked, whatever is there by then."""

    def _purge_expired(self, prefix: str) -> int:
        expired = {key for key, info in self._info.items() if self._has_expired(info)}
        linger()
        for key in expired:
            self._forget(key)
        return len(expired)


class RefusesOverTheExpired(DictStore):
    """An expired value still stands in the way of a new one."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if options.get("if_absent") and key in self.d:
            raise exists(key)
        return super()._put(key, data, *args, **options)


class HasUrls(DictStore):
    """Not broken: what the next one should be."""

    url_support = True

    def _url_for(self, key: str, **_options: Any) -> str:
        return f"memory:{key}"


class AsksForTheUrl(HasUrls):
    """It gives a URL only for what is there."""

    def _url_for(self, key: str, **options: Any) -> str:
        self._get(key)
        return super()._url_for(key, **options)


class IgnoresThePrefix(DictStore):
    """It lists everything."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        del prefix
        return super().iter_keys()


SOUND = (HDictStore, HasUrls, DictStore)
BROKEN: dict[type[DictStore], list[str]] = {
    Truncates: ["test_put_and_put_file_store_the_same"],
    EndsAtAShortRead: ["test_put_file_keeps_every_byte_of_short_reads"],
    ShowsHalfAValue: [
        "test_value_is_not_there_while_its_source_is_read",
        "test_put_file_from_a_failing_source_keeps_the_old_value",
    ],
    ShowsTemporaries: [
        "test_value_is_not_there_while_its_source_is_read",
        "test_put_file_from_a_failing_source_keeps_the_old_value",
    ],
    TearsValues: ["test_threads_see_whole_values_only"],
    ChecksThenCreates: ["test_one_of_many_creates", "test_one_of_many_adds"],
    ChecksThenReplaces: ["test_one_of_many_replaces", "test_no_update_of_many_is_lost"],
    LetsAPlainPutSlipIn: ["test_plain_put_never_slips_between_compare_and_write"],
    LosesIncrements: ["test_no_increment_of_many_is_lost"],
    TellsTimeCoarsely: ["test_etag_changes_with_every_put"],
    OpensToWrite: [
        "test_open_file_can_read_and_seek_and_not_write",
        "test_open_file_cannot_seek_before_the_beginning",
    ],
    MixesVersions: ["test_open_file_never_mixes_two_versions"],
    CountsFromOne: ["test_every_range_gives_what_a_slice_gives"],
    EmptiesTheFile: ["test_get_file_of_a_missing_key_leaves_the_file_alone"],
    PublishesOnError: ["test_writer_aborts_on_an_exception"],
    FoldsCase: ["test_no_two_nasty_keys_are_the_same"],
    TakesAnyKey: ["test_every_nasty_key_is_stored_exactly_or_refused"],
    TakesANewline: ["test_every_nasty_key_is_stored_exactly_or_refused"],
    TakesText: ["test_put_of_no_bytes_is_refused_and_keeps_the_old_value"],
    MissesOnDelete: ["test_delete_takes_the_value_away"],
    MovesItselfAway: ["test_copy_and_move_onto_itself_keep_the_value"],
    ShowsValues: ["test_no_text_shows_a_value"],
    ForgetsTheFork: ["test_fork_amid_other_threads_leaves_the_child_free"],
    IgnoresTtl: [
        "test_what_the_store_cannot_do_is_refused_before_anything_happens",
        "test_bad_ttl_is_refused_before_anything_happens",
    ],
    ShowsTheExpired: ["test_expired_value_is_shown_by_nothing"],
    ForgetsTheEnd: ["test_copy_and_move_keep_the_end"],
    PurgesTooMuch: ["test_purge_leaves_what_is_rewritten_meanwhile"],
    RefusesOverTheExpired: ["test_expired_value_does_not_stand_in_the_way"],
    AsksForTheUrl: ["test_url_needs_no_value"],
    IgnoresThePrefix: ["test_keys_are_listed_by_prefix"],
}
PARAMETERS = {
    "before": (b"abc", b"x"),
    "answer": tools.SourceError(),
    "size": 300_000,
    "value": b"0123456",
    "data": "text",
    "ttl_secs": -1,
}


def run(name: str, store: DictStore, fixtures: dict[str, Any]) -> None:
    """Run one test of the contracts on a store, with what it asks for."""
    clock = FakeClock(time.time())
    store._clock = clock
    given = {**PARAMETERS, **fixtures, "store": store, "advance": clock.advance}
    test = getattr(Contracts(), name)
    test(**{name: given[name] for name in signature(test).parameters})


@pytest.mark.parametrize(
    ("broken", "name"),
    [(broken, name) for broken, names in BROKEN.items() for name in names],
)
def test_contract_notices_a_broken_store(
    broken: type[DictStore],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = next(cls for cls in broken.__mro__ if cls in SOUND)
    for folder in ("sound", "broken"):
        (tmp_path / folder).mkdir()
    run(name, sound(), {"folder": tmp_path / "sound"})
    monkeypatch.setattr(tools, "_PATIENCE_SECS", 1)
    with pytest.raises((Exception, pytest.fail.Exception)):
        run(name, broken(), {"folder": tmp_path / "broken"})


@pytest.mark.parametrize(
    "broken",
    [
        Truncates,
        EndsAtAShortRead,
        CountsFromOne,
        PublishesOnError,
        FoldsCase,
        MissesOnDelete,
        MovesItselfAway,
        IgnoresThePrefix,
    ],
)
def test_state_machine_notices_a_broken_store(broken: type[DictStore]) -> None:
    class Machine(StoreStateMachine):
        def make_store(self) -> KeyValueStore:
            return broken()

    bounded = settings(
        max_examples=300, phases=[Phase.generate], database=None, derandomize=True
    )
    with pytest.raises((Exception, ExceptionGroup)):
        run_state_machine_as_test(Machine, settings=bounded)
