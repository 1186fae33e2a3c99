"""How a move ends, and how one goes back: as docs/migrating.md says, and why."""

from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from minimalkv.sync import sync


def test_who_has_no_wrapper_leaves_the_old_copy_to_be_seen_by_others() -> None:
    old, new = DictStore({"key": b"value"}), DictStore()
    assert sync(old, new, missing_only=True).complete
    new.delete("key")
    assert "key" in MigrationDecorator(old, new)


def test_once_the_old_store_is_empty_both_agree() -> None:
    old, new = DictStore({"a": b"1", "b": b"2"}), DictStore()
    wrapped = MigrationDecorator(old, new)
    assert sync(old, new, missing_only=True).complete
    old.delete_prefix("")
    new.delete("a")
    wrapped.delete("b")
    assert (wrapped.keys(), new.keys()) == ([], [])


def test_the_way_back_to_an_empty_store_loses_and_revives_nothing() -> None:
    folder, bucket = (
        DictStore({"kept": b"1", "replaced": b"1", "gone": b"1"}),
        DictStore(),
    )
    there = MigrationDecorator(folder, bucket)
    there.put("replaced", b"2")
    there.delete("gone")
    assert sync(folder, bucket, missing_only=True).complete

    empty = DictStore()
    back = MigrationDecorator(bucket, empty)
    assert back.get("replaced") == b"2"
    assert sync(bucket, empty, missing_only=True).complete
    assert empty.d == {"kept": b"1", "replaced": b"2"}
