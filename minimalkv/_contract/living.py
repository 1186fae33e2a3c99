"""How a store lives: with threads and forks, pickled, closed, and within its limits."""
# ruff: noqa: S301 - it trusts what it pickled itself

import io
import pickle
from collections.abc import Callable

import pytest

from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.tools import Untouched, in_child, meanwhile, sample, together
from minimalkv._errors import MinimalkvError, Unsupported
from minimalkv._key_value_store import KeyValueStore

_THREADS = 8
_SECRET = b"hunter2-in-a-value"


class LivingContract(Contract):
    """What is true of a store whatever it stores."""

    busy_rounds: int = 4
    """How long threads and processes are busy beside each other."""

    def test_store_says_what_it_can_do(self, store: KeyValueStore) -> None:
        for answer in (
            store.ttl_support,
            store.conditional_support,
            store.copy_support,
            store.url_support,
            store.headers_support,
            store.extended_keys,
            store.nested_keys,
        ):
            assert answer is True or answer is False
        assert 1 <= store.max_segment <= store.max_key

    def test_store_is_a_context_manager(self, store: KeyValueStore) -> None:
        with store as entered:
            assert entered is store
            store.put("key", b"value")
        with pytest.raises(ZeroDivisionError), store:
            raise ZeroDivisionError

    def test_closed_store_opens_again(self, store: KeyValueStore) -> None:
        store.put("key", b"value")
        store.close()
        store.close()
        assert store.get("key") == b"value"
        store.put("key", b"new")
        check_values(store, {"key": b"new"})
        store.close()

    def test_ping_is_silent(self, store: KeyValueStore) -> None:
        before = self.raw_names(store)
        for _ in range(2):
            assert store.ping() is None  # type: ignore[func-returns-value]  # says so
        assert self.raw_names(store) == before
        store.put("key", b"value")
        store.ping()
        check_values(store, {"key": b"value"})

    def test_store_survives_pickle(self, store: KeyValueStore) -> None:
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            store.put("key", b"value")
            copied = pickle.loads(pickle.dumps(store, protocol))
            assert type(copied) is type(store)
            copied.put("copied", b"value")
            assert copied.get("copied") == b"value"
            assert (copied.max_key, copied.extended_keys) == (
                store.max_key,
                store.extended_keys,
            )
            assert repr(copied) == repr(store)
            copied.close()
        assert store.get("key") == b"value"

    def test_no_text_shows_a_value(self, store: KeyValueStore) -> None:
        store.put("key", _SECRET)
        shown = [repr(store), str(store), repr(store.head("key"))]
        with pytest.raises(MinimalkvError) as caught:
            store.put("key", _SECRET.decode())  # type: ignore[arg-type]  # refused
        shown += [repr(caught.value), str(caught.value)]
        with pytest.raises(MinimalkvError) as caught:
            store.increment("key")
        shown += [repr(caught.value), str(caught.value)]
        assert not [text for text in shown if _SECRET.decode() in text]

    def test_threads_do_not_disturb_each_other(self, store: KeyValueStore) -> None:
        def work(number: int) -> None:
            for turn in range(3 * self.busy_rounds):
                key = f"key-{number}-{turn % 3}"
                value = sample(2000, seed=number)
                store.put(key, value)
                check_bytes(store.get(key), value)
                with store.open(key) as file:
                    check_bytes(file.read(), value)
                assert key in store
            store.delete(f"key-{number}-0")

        together(_THREADS, work)
        keys = [f"key-{number}-{turn}" for number in range(_THREADS) for turn in (1, 2)]
        assert sorted(store) == keys

    def test_threads_see_whole_values_only(self, store: KeyValueStore) -> None:
        values = [sample(30_000 + 7 * number, number) for number in range(_THREADS)]
        whole = set(values)
        store.put("key", values[0])

        def work(number: int) -> None:
            for turn in range(3 * self.busy_rounds):
                if (number + turn) % 2:
                    store.put("key", values[number])
                else:
                    assert store.get("key") in whole
                    _check_whole(store, whole)

        together(_THREADS, work)
        assert store.get("key") in whole
        assert store.keys() == ["key"]

    def test_listing_works_while_threads_write(self, store: KeyValueStore) -> None:
        store.put("stays", b"value")

        def work(number: int) -> None:
            for _ in range(3 * self.busy_rounds):
                store.put(f"comes-{number}", b"value")
                assert "stays" in store.keys("s")
                assert set(store.get_many(["stays", "goes"])) == {"stays"}
                store.delete(f"comes-{number}")

        together(4, work)
        check_values(store, {"stays": b"value"})

    def test_used_store_works_in_parent_and_child_at_once(
        self, store: KeyValueStore
    ) -> None:
        store.put("before", b"value")
        store.get("before")

        def use(name: str) -> None:
            for turn in range(5 * self.busy_rounds):
                value = f"{name}-{turn}".encode()
                store.put(name, value)
                check_bytes(store.get(name), value)
                assert store.get("before") == b"value"
                assert {name, "before"} <= set(store)

        with in_child(lambda: use("child")):
            use("parent")
        use("parent")

    def test_fork_amid_other_threads_leaves_the_child_free(
        self, store: KeyValueStore
    ) -> None:
        store.put("key", b"0")

        def use() -> None:
            store.put("child", b"value")
            assert store.get("child") == b"value"
            assert store.get("key").isdigit()
            store.delete("child")

        with meanwhile(lambda: store.put("key", b"1")):
            for _ in range(3):
                with in_child(use):
                    pass

    def test_writer_of_the_parent_is_not_published_by_a_child(
        self, store: KeyValueStore
    ) -> None:
        writer = store.open_writer("key")
        writer.write(b"by the parent")
        with in_child(writer.close):
            pass
        assert "key" not in store
        writer.close()
        check_values(store, {"key": b"by the parent"})

    def test_what_the_store_cannot_do_is_refused_before_anything_happens(
        self, store: KeyValueStore
    ) -> None:
        store.put("key", b"5")
        names = self.raw_names(store)
        done = []
        for name, action in _beyond(store):
            try:
                done.append((name, action()))
            except Unsupported as error:
                assert isinstance(error, NotImplementedError)  # noqa: PT017 - of many
        assert done == []
        check_values(store, {"key": b"5"})
        assert self.raw_names(store) == names


def _check_whole(store: KeyValueStore, whole: set[bytes]) -> None:
    data, meta = store.get_with_meta("key")
    assert data in whole
    assert meta.size == len(data)
    meta, file = store.stream("key")
    with file:
        data = file.read()
    assert data in whole
    assert meta.size == len(data)
    target = io.BytesIO()
    store.get_file("key", target)
    assert target.getvalue() in whole


_Actions = list[tuple[str, Callable[[], object]]]


def _beyond(store: KeyValueStore) -> _Actions:
    actions: _Actions = []
    if not store.ttl_support:
        actions += _with_ttl(store)
    if not store.conditional_support:
        actions += _with_conditions(store)
    if not store.url_support:
        actions.append(("url_for", lambda: store.url_for("key")))
    return actions


def _with_ttl(store: KeyValueStore) -> _Actions:
    return [
        ("put", lambda: store.put("key", b"new", 5)),
        ("put", lambda: store.put("new", b"new", ttl_secs=0)),
        ("put_file", lambda: store.put_file("key", Untouched(), 5)),
        ("put_many", lambda: store.put_many({"key": b"new", "new": b"new"}, 5.0)),
        ("open_writer", lambda: store.open_writer("key", 5)),
        ("touch", lambda: store.touch("key", 5)),
        ("touch", lambda: store.touch("key")),
        ("ttl", lambda: store.ttl("key")),
        ("purge_expired", lambda: store.purge_expired()),
    ]


def _with_conditions(store: KeyValueStore) -> _Actions:
    return [
        ("put", lambda: store.put("new", b"new", if_absent=True)),
        ("put", lambda: store.put("key", b"new", if_match="x")),
        ("put_file", lambda: store.put_file("new", Untouched(), if_absent=True)),
        ("put_file", lambda: store.put_file("key", Untouched(), if_match="x")),
        ("open_writer", lambda: store.open_writer("new", if_absent=True)),
        ("put_many", lambda: store.put_many({"new": b"new"}, if_absent=True)),
        ("add", lambda: store.add("new", b"new")),
        ("update", lambda: store.update("key", lambda _: b"new")),
        ("increment", lambda: store.increment("key")),
        ("delete", lambda: store.delete("key", if_match="x")),
        ("stream", lambda: store.stream("key", if_match="x")),
    ]
