"""Broken stores: whatever promise one breaks, a contract notices."""

import time
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from minimalkv import KeyNotFound, KeyValueStore
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
from tests.broken import (
    AsksForTheUrl,
    ChecksThenCreates,
    ChecksThenReplaces,
    CountsFromOne,
    EmptiesTheFile,
    EndsAtAShortRead,
    FoldsCase,
    ForgetsTheEnd,
    ForgetsTheFork,
    HasUrls,
    IgnoresThePrefix,
    IgnoresTtl,
    LetsAPlainPutSlipIn,
    LosesIncrements,
    MissesOnDelete,
    MixesVersions,
    MovesItselfAway,
    OpensToWrite,
    PublishesOnError,
    PurgesTooMuch,
    RefusesOverTheExpired,
    ShowsHalfAValue,
    ShowsTemporaries,
    ShowsTheExpired,
    ShowsValues,
    TakesANewline,
    TakesAnyKey,
    TakesText,
    TearsValues,
    TellsTimeCoarsely,
    Truncates,
)
from tests.clocks import FakeClock


class Contracts(
    StoreContract, ConditionalContract, CopyContract, TimeToLiveContract, UrlContract
):
    """All of them, for tests that are called one by one."""


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


_TURNS: Final = 5


def run(name: str, store: DictStore, fixtures: dict[str, Any]) -> None:
    """Run one test of the contracts on a store, with what it asks for."""
    clock = FakeClock(time.time())
    store._clock = clock
    given = {**PARAMETERS, **fixtures, "store": store, "advance": clock.advance}
    test = getattr(Contracts(), name)
    test(**{name: given[name] for name in signature(test).parameters})


def run_often(name: str, broken: type[DictStore], top: Path) -> None:
    """Run a test a few times: threads that race meet in one run or another."""
    for turn in range(_TURNS):
        folder = top / f"broken-{turn}"
        folder.mkdir()
        run(name, broken(), {"folder": folder})


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
    (tmp_path / "sound").mkdir()
    run(name, sound(), {"folder": tmp_path / "sound"})
    monkeypatch.setattr(tools, "_PATIENCE_SECS", 1)
    with pytest.raises((Exception, pytest.fail.Exception)):
        run_often(name, broken, tmp_path)


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
    with pytest.raises((AssertionError, KeyNotFound, ExceptionGroup)):
        run_state_machine_as_test(Machine, settings=bounded)
