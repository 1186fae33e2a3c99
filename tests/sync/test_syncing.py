"""What is copied, what is not, and what happens to the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from minimalkv import (
    InvalidArgument,
    ObjectMeta,
    PreconditionFailed,
    ReadOnlyStore,
    StoreError,
    StoreUnavailable,
    Unsupported,
    get_store_from_url,
)
from minimalkv.decorator import ReadOnlyDecorator, StoreDecorator
from minimalkv.memory import DictStore
from minimalkv.sync import SyncProgress, sync
from tests.sync.tools import Altering, Intercepting, contents, values

VALUES = values(30)


def new(**made: bytes) -> DictStore:
    return DictStore(dict(made))


def test_what_differs_is_copied_and_what_does_not_is_left_alone() -> None:
    source, target = new(a=b"1", b=b"2", c=b"3"), new(a=b"1", b=b"X", d=b"4")
    etag = target.head("a").etag
    report = sync(source, target)
    assert target.d == {"a": b"1", "b": b"2", "c": b"3", "d": b"4"}
    assert (report.listed, report.copied, report.same) == (3, 2, 1)
    assert report.complete
    assert target.head("a").etag == etag


def test_a_prefix_is_all_that_is_touched() -> None:
    source = new(aa=b"1", ab=b"2", b=b"3")
    target = new(ac=b"4", bc=b"5")
    report = sync(source, target, prefix="a", delete=True)
    assert target.d == {"aa": b"1", "ab": b"2", "bc": b"5"}
    assert (report.copied, report.deleted) == (2, 1)


def test_a_dry_run_tells_all_and_changes_nothing(tmp_path: Path) -> None:
    source = get_store_from_url("hmemory://")
    source.put_many({"a": b"1", "a/b": b"2", "c": b"3", "same": b"4"})
    target = get_store_from_url(f"hfs://{tmp_path}")
    target.put_many({"same": b"4", "surplus": b"5"})
    before = contents(target)
    told: list[SyncProgress] = []
    report = sync(source, target, dry_run=True, progress=told.append)
    assert contents(target) == before
    assert (report.copied, report.same, report.refused) == (2, 1, 1)
    assert [p.key for p in report.problems] == ["a/b"]
    assert {plan for p in told for plan in p.plans} == {("copy", "a"), ("copy", "c")}

    source.delete("a/b")
    told.clear()
    report = sync(source, target, dry_run=True, delete=True, progress=told.append)
    assert contents(target) == before
    assert report.deleted == 1
    assert ("delete", "surplus") in {plan for p in told for plan in p.plans}


def test_progress_counts_up_to_the_end_and_tells_each_problem_once() -> None:
    source = get_store_from_url("hmemory://")
    source.put_many(
        {**{f"k{n}": b"x" * n for n in range(2000)}, "a/b": b"", "c/d": b""}
    )
    told: list[SyncProgress] = []
    report = sync(source, new(), progress=told.append)
    assert told[-1].done == told[-1].total == 2002
    assert told[-1].done_bytes == told[-1].total_bytes == sum(range(2000))
    problems = [problem for progress in told for problem in progress.news]
    assert sorted(problems) == sorted(report.problems)
    assert {p.key for p in problems} == {"a/b", "c/d"}


# Keys and values that the target cannot hold.


def test_keys_that_the_target_cannot_have_are_listed_with_the_reason() -> None:
    source = get_store_from_url("hmemory://")
    source.put_many({"plain": b"1", "with/slash": b"2", "with space": b"3"})
    target = new()
    report = sync(source, target, verify=True)
    assert target.d == {"plain": b"1"}
    assert not report.complete
    assert (report.copied, report.refused, report.failed) == (1, 2, 0)
    reasons = {problem.key: problem.reason for problem in report.problems}
    assert "'/', which no key" in reasons["with/slash"]
    assert "' ', which no key" in reasons["with space"]


def test_of_a_file_and_a_folder_of_one_name_one_is_listed(tmp_path: Path) -> None:
    source = get_store_from_url("hmemory://")
    source.put_many({"a": b"1", "a/b": b"2", "c": b"3"})
    with get_store_from_url(f"hfs://{tmp_path}") as target:
        report = sync(source, target)
        there = contents(target)
    refused = report.problems[0].key
    assert refused in ("a", "a/b")
    assert (report.refused, report.copied, report.complete) == (1, 2, False)
    assert there == {k: v for k, v in contents(source).items() if k != refused}


# The source changes meanwhile.


def test_what_vanishes_meanwhile_is_counted_and_is_no_failure() -> None:
    inner = new(a=b"1", b=b"2")
    source = Intercepting(inner, before_read=lambda key: inner.delete("b"))
    target = new(b=b"old")
    report = sync(source, target, delete=True, workers=1)
    assert (report.vanished, report.copied, report.deleted) == (1, 1, 1)
    assert report.complete
    assert target.d == {"a": b"1"}


def test_what_changes_while_it_is_read_is_copied_as_it_is_afterwards() -> None:
    inner = new(a=b"old")
    changes = iter([b"newer", b"newest"])

    def change(key: str) -> None:
        if (data := next(changes, None)) is not None:
            inner.put(key, data)
            raise PreconditionFailed("It is another version by now.")

    target = new()
    report = sync(Intercepting(inner, after_read=change), target, verify=True)
    assert target.d == {"a": b"newest"}
    assert (report.copied, report.verified, report.complete) == (1, 1, True)


def test_what_is_cut_off_is_not_stored() -> None:
    class Short(StoreDecorator):
        def _stream(self, key: str, *args: Any) -> tuple[ObjectMeta, BinaryIO]:
            meta, source = super()._stream(key, *args)
            return meta._replace(size=meta.size + 1), source

    target = new(a=b"old")
    report = sync(Short(new(a=b"cut")), target)
    assert (report.failed, report.copied, report.complete) == (1, 0, False)
    assert target.d == {"a": b"old"}


# Failures.


def test_one_failure_does_not_end_the_run_and_the_next_run_mends_it() -> None:
    def refuse(key: str) -> None:
        if key == "k7":
            raise StoreError("This one is broken.")

    source = new(**{f"k{n}": b"%d" % n for n in range(50)})
    target = new()
    report = sync(source, Intercepting(target, before_write=refuse))
    assert (report.failed, report.copied, report.stopped) == (1, 49, None)
    assert report.problems == (("k7", "failed", "This one is broken."),)
    assert not report.complete

    report = sync(source, target)
    assert (report.same, report.copied, report.complete) == (49, 1, True)
    assert target.d == source.d


@pytest.mark.parametrize(("copied", "most"), [(0, 20), (100, 1000)])
def test_failures_without_end_end_the_run(copied: int, most: int) -> None:
    def refuse(key: str) -> None:
        if int(key) >= copied:
            raise StoreError("The disk is full.")

    source = new(**{f"{n:04}": b"%d" % n for n in range(1500)})
    report = sync(source, Intercepting(new(), before_write=refuse))
    assert report.stopped is not None
    assert "in a row failed, the last: The disk is full." in report.stopped
    assert most <= report.failed < most + 100
    assert (report.copied, report.complete) == (copied, False)
    assert len(report.problems) == min(report.failed, 1000)


def test_a_store_that_never_answered_is_not_waited_for() -> None:
    class Silent(DictStore):
        tries = 0

        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            self.tries += 1
            raise StoreUnavailable("Nobody is there.")
            yield

    silent = Silent()
    with pytest.raises(StoreUnavailable, match="Nobody is there"):
        sync(silent, new())
    assert silent.tries == 1


def test_a_listing_that_breaks_off_is_begun_again() -> None:
    class Breaking(DictStore):
        left = 2

        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            for number, meta in enumerate(super()._iter_meta(prefix)):
                if number == 2500 and self.left:
                    self.left -= 1
                    raise StoreUnavailable("It was cut off.")
                yield meta

    source, target = Breaking({f"k{n}": b"" for n in range(3000)}), new()
    assert sync(source, target).copied == 3000
    assert target.d == source.d


def test_an_error_of_a_program_is_raised() -> None:
    def fail(key: str) -> None:
        raise ZeroDivisionError

    source = Intercepting(new(a=b"1"), before_read=fail)
    with pytest.raises(ZeroDivisionError):
        sync(source, new())


# Deleting.


def test_nothing_is_deleted_after_a_failure() -> None:
    source = get_store_from_url("hmemory://")
    source.put_many({"a": b"1", "b/c": b"2"})
    target = new(surplus=b"3")
    report = sync(source, target, delete=True)
    assert target.d == {"a": b"1", "surplus": b"3"}
    assert (report.refused, report.deleted) == (1, 0)


def test_nothing_is_deleted_when_the_source_has_nothing() -> None:
    target = new(a=b"1", b=b"2")
    report = sync(new(), target, delete=True)
    assert target.d == {"a": b"1", "b": b"2"}
    assert not report.complete
    assert "all 2 objects of the target" in str(report.stopped)


def test_nothing_is_deleted_when_the_source_is_not_listed_to_its_end() -> None:
    class Broken(StoreDecorator):
        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            yield from super()._iter_meta(prefix)
            raise StoreError("The listing broke off.")

    target = new(a=b"1", b=b"2")
    with pytest.raises(StoreError, match="broke off"):
        sync(Broken(new(a=b"1", c=b"3")), target, delete=True)
    assert target.d == {"a": b"1", "b": b"2"}


def test_what_came_to_the_source_meanwhile_is_not_deleted() -> None:
    inner = new(a=b"1")
    source = Intercepting(inner, before_read=lambda key: inner.put("late", b"2"))
    target = new(late=b"2", surplus=b"3")
    report = sync(source, target, delete=True)
    assert target.d == {"a": b"1", "late": b"2"}
    assert report.deleted == 1


def test_what_the_source_cannot_name_is_not_deleted() -> None:
    target = get_store_from_url("hmemory://")
    target.put_many({"a": b"1", "b": b"2", "folder/c": b"3"})
    report = sync(new(a=b"1"), target, delete=True)
    assert contents(target) == {"a": b"1", "folder/c": b"3"}
    assert (report.deleted, report.refused, report.complete) == (1, 1, False)
    assert "'h' store" in report.problems[0].reason


def test_an_outage_while_it_deletes_ends_the_run() -> None:
    class Silent(DictStore):
        def _delete_many(self, keys: list[str]) -> None:
            raise StoreUnavailable("Nobody is there.")

    target = Silent({f"k{n}": b"" for n in range(9)})
    report = sync(new(k1=b""), target, delete=True)
    assert (report.deleted, report.failed, report.complete) == (0, 8, False)
    assert "Nobody is there" in str(report.stopped)
    assert "It is not deleted" in report.problems[0].reason
    assert len(target.d) == 9


# Verifying: the tests that show that it can fail.


def test_verify_finds_what_a_store_drops() -> None:
    target = Altering(new(), lambda key, data: None if key == "k3" else data)
    source = new(**{f"k{n}": b"%d" % n for n in range(9)})
    assert sync(source, target).complete, "Nobody looked."
    target.delete("k5")
    report = sync(source, target, verify=True)
    assert (report.failed, report.verified, report.complete) == (1, 8, False)
    assert report.problems[0].key == "k3"
    assert "The target has nothing" in report.problems[0].reason


def test_verify_finds_what_a_store_alters() -> None:
    target = Altering(new(), lambda key, data: data[::-1])
    report = sync(new(a=b"12", b=b"33"), target, verify=True)
    assert (report.failed, report.verified) == (1, 1)
    assert "2 bytes with the MD5" in report.problems[0].reason


def test_verify_reads_what_a_listing_says_is_there() -> None:
    class Lying(DictStore):
        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            for meta in super()._iter_meta(prefix):
                yield meta._replace(md5="0cc175b9c0f1b6a831c399e269772661")

    source, target = Lying({"k": b"a"}), Lying({"k": b"b"})
    assert sync(source, target).same == 1, "The listings agree."
    report = sync(source, target, verify=True)
    assert (report.copied, report.verified) == (1, 1)
    assert target.d == {"k": b"a"}


def test_an_md5_of_a_listing_that_is_none_costs_no_copy() -> None:
    class Encrypted(DictStore):
        def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
            for meta in super()._iter_meta(prefix):
                yield meta._replace(md5="0cc175b9c0f1b6a831c399e269772661")

    report = sync(new(k=b"value"), Encrypted({"k": b"value"}))
    assert (report.same, report.copied) == (1, 0)
    report = sync(new(k=b"other"), Encrypted({"k": b"value"}))
    assert (report.same, report.copied) == (0, 1)


# A live site.


def test_missing_only_leaves_alone_whatever_is_there() -> None:
    target = new(a=b"newer")
    report = sync(new(a=b"old", b=b"2"), target, missing_only=True)
    assert target.d == {"a": b"newer", "b": b"2"}
    assert (report.copied, report.same, report.complete) == (1, 1, True)


def test_missing_only_leaves_alone_what_comes_meanwhile() -> None:
    inner = new()
    target = Intercepting(inner, before_write=lambda key: inner.put(key, b"newer"))
    report = sync(new(a=b"old"), target, missing_only=True)
    assert inner.d == {"a": b"newer"}
    assert (report.copied, report.same, report.complete) == (0, 1, True)


def test_missing_only_verifies_just_what_it_copies() -> None:
    target = new(a=b"newer", b=b"same")
    source = new(a=b"old", b=b"same", c=b"3")
    report = sync(source, target, missing_only=True, verify=True)
    assert (report.complete, report.verified, report.same) == (True, 1, 2)


def test_missing_only_takes_back_what_was_deleted_meanwhile() -> None:
    source, inner = new(a=b"signed in"), new()
    target = Intercepting(inner, after_write=source.delete)
    report = sync(source, target, missing_only=True)
    assert inner.d == {}
    assert (report.copied, report.vanished, report.complete) == (0, 1, True)


# What is refused at once.


def test_arguments_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="exclude each other"):
        sync(new(), new(), delete=True, missing_only=True)
    with pytest.raises(InvalidArgument, match="1 to 128, not 0"):
        sync(new(), new(), workers=0)


def test_a_target_that_takes_no_writes_is_refused() -> None:
    source, target = new(a=b"1"), ReadOnlyDecorator(new())
    with pytest.raises(ReadOnlyStore):
        sync(source, target)
    assert sync(source, target, dry_run=True).copied == 1


def test_missing_only_needs_conditions() -> None:
    target = get_store_from_url("s3://k:s@127.0.0.1:1/bucket?conditional=false")
    with pytest.raises(Unsupported, match="on condition"):
        sync(new(), target, missing_only=True)
