"""A move between two stores while one of them is away."""

from collections.abc import Callable
from typing import Any

import pytest

from minimalkv import KeyValueStore, StoreUnavailable
from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from tests.counting import CountingDecorator


class Down(DictStore):
    """A store whose server is away."""

    def _answer(self, *_: Any, **__: Any) -> Any:
        raise StoreUnavailable("no answer")

    _get = _get_with_meta = _head = _stream = _open = _has_key = _answer
    _delete = _delete_many = _iter_keys = _iter_meta = _answer


def test_an_outage_of_the_old_store_is_never_a_missing_value() -> None:
    new = DictStore({"a": b"new a"})
    store = MigrationDecorator(Down(), new)
    assert store.get("a") == b"new a"
    reads: list[Callable[[str], object]] = [
        store.get,
        store.get_with_meta,
        store.open,
        store.head,
        store.__contains__,
        lambda key: store.get_many([key]),
        lambda key: store.add(key, b""),
        store.delete,
        lambda key: store.delete_many([key]),
        store.keys,
        lambda key: list(store.iter_meta(key)),
    ]
    for read in reads:
        with pytest.raises(StoreUnavailable):
            read("b")
    with pytest.raises(StoreUnavailable) as caught:
        store.delete_many(["a"])
    assert caught.value.failed_keys == ("a",)
    assert new.get("a") == b"new a"


@pytest.mark.parametrize("error", [StoreUnavailable, KeyboardInterrupt])
def test_old_values_stay_if_new_ones_could_not_be_stored(
    error: type[BaseException],
) -> None:
    class Failing(CountingDecorator):
        _put_many = KeyValueStore._put_many

        def _put(self, key: str, *args: Any, **options: Any) -> str | None:
            if key == "b":
                raise error("no answer")
            return super()._put(key, *args, **options)

    old = DictStore({"a": b"old", "b": b"old"})
    store = MigrationDecorator(old, Failing(DictStore()))
    with pytest.raises(error):
        store.put_many({"a": b"new", "b": b"new"}, 100)
    with pytest.raises(error):
        store.put("b", b"new", 100)
    assert store.get_many("ab") == {"a": b"new", "b": b"old"}


def test_an_outage_of_the_new_store_is_not_covered_by_the_old() -> None:
    with pytest.raises(StoreUnavailable):
        MigrationDecorator(DictStore({"a": b"old"}), Down()).get("a")


def test_the_new_store_is_closed_also_if_the_old_one_cannot_be() -> None:
    closed: list[str] = []

    class Failing(DictStore):
        def close(self) -> None:
            raise StoreUnavailable("no answer")

    class Closing(DictStore):
        def close(self) -> None:
            closed.append("new")

    with pytest.raises(StoreUnavailable):
        MigrationDecorator(Failing(), Closing()).close()
    assert closed == ["new"]
