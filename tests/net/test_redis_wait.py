"""Writes to Redis that count only when replicas have them, by ``?wait=``."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from minimalkv import (
    AccessDenied,
    InvalidURL,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
    StoreUnavailable,
    get_store_from_url,
)
from minimalkv._contract.tools import together
from minimalkv.memory._redis_wait import Wait
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.net.redis_groups import PASSWORD, Node, replicated
from tests.proxy import Cut, Proxy

FIRST: Final = {f"key-{number}": b"5" for number in range(20)}
# The names are of the calls, and each has a key of its own.
WRITES: Final[dict[str, Callable[[Any], object]]] = {
    "put": lambda store: store.put("key-0", b"new"),
    "put for a while": lambda store: store.put("key-1", b"new", 100),
    "add": lambda store: store.add("new", b"new"),
    "if_match": lambda store: store.put("key-2", b"new", if_match=store.etag),
    "delete": lambda store: store.delete("key-3"),
    "delete if it matches": lambda store: store.delete("key-4", if_match=store.etag),
    "increment": lambda store: store.increment("key-5"),
    "copy": lambda store: store.copy("key-6", "copied"),
    "move": lambda store: store.move("key-7", "moved"),
    "touch": lambda store: store.touch("key-8", 100),
    "put_many": lambda store: store.put_many({"key-9": b"new", "key-10": b"new"}),
    "add_many": lambda store: store.put_many({"a": b"", "b": b""}, if_absent=True),
    "delete_many": lambda store: store.delete_many(["key-11", "key-12"]),
}
CONDITIONS: Final[dict[str, tuple[type[Exception], Callable[[Any], object]]]] = {
    "add": (KeyExists, lambda store: store.put("key-0", b"", if_absent=True)),
    "if_match": (
        PreconditionFailed,
        lambda store: store.put("key-0", b"", if_match="no such"),
    ),
    "increment": (KeyNotFound, lambda store: store.increment("missing")),
    "touch": (KeyNotFound, lambda store: store.touch("missing", 5)),
    "move": (KeyNotFound, lambda store: store.move("missing", "moved")),
}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Node, Node]]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def proxy(pair: tuple[Node, Node]) -> Iterator[Proxy]:
    with Proxy(pair[0].port) as proxy:
        yield proxy


def url_of(port: int, options: str) -> str:
    return f"redis://:{quote(PASSWORD)}@{HOST}:{port}?{options}"


def filled(store: Any) -> Any:
    store.put_many(FIRST)
    store.delete_many(["new", "a", "b", "copied", "moved"])
    store.etag = store.head("key-0").etag
    return store


@pytest.fixture
def store(proxy: Proxy) -> Iterator[Any]:
    with get_store_from_url(url_of(proxy.port, "wait=1")) as store:
        yield filled(store)


@pytest.fixture
def alone(redis_server: RedisServer) -> Iterator[Any]:
    """Return a store that waits in vain: its server has no replica."""
    url = redis_server.url(h=False)
    with get_store_from_url(url) as plain:
        etag = filled(plain).etag
    with get_store_from_url(f"{url}?wait=1&timeout=3") as store:
        store.etag = etag  # type: ignore[attr-defined]  # it has one now
        yield store


def test_what_is_acknowledged_is_on_the_replica(pair: tuple[Node, Node]) -> None:
    primary, replica = (url_of(node.port, "wait=1") for node in pair)
    with get_store_from_url(primary) as store, get_store_from_url(replica) as copy:
        for name, write in WRITES.items():
            write(filled(store))
            found = copy.get_many(copy.keys())
            assert found == store.get_many(store.keys()), name
            assert found != FIRST or name == "touch"


@pytest.mark.parametrize("name", WRITES)
def test_write_and_wait_are_one_round_trip(name: str, store: Any, proxy: Proxy) -> None:
    WRITES[name](store)
    filled(store)
    proxy.reset_counts()
    WRITES[name](store)
    assert proxy.round_trips == 1
    assert proxy.methods[-1] == "WAIT"
    assert proxy.methods.count("WAIT") == 1


def test_what_only_reads_waits_for_nobody(store: Any, proxy: Proxy) -> None:
    proxy.reset_counts()
    store.get("key-0")
    store.head("key-0")
    store.get_many(FIRST)
    assert list(store.iter_meta("key-1"))
    assert "WAIT" not in proxy.methods


def test_write_that_no_replica_has_is_no_success(alone: Any) -> None:
    names = list(WRITES)

    def check(number: int) -> None:
        name = names[number]
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas") as caught:
            WRITES[name](alone)
        assert str(caught.value).endswith("It may have happened.")
        assert bool(caught.value.failed_keys) == ("many" in name)

    together(len(names), check)  # each waits as long as it may


def test_deletion_whose_answer_is_lost_is_not_sent_again(
    store: Any, proxy: Proxy
) -> None:
    """The second would delete nothing, so WAIT would be about nothing."""
    deletions: list[Callable[[], object]] = [
        lambda: store.delete("key-0"),
        lambda: store.delete_many(["key-1", "key-2"]),
    ]
    for delete in deletions:
        fault = proxy.fault = Cut(on=lambda request: request.method == "DEL", times=1)
        with pytest.raises(StoreUnavailable, match="It may have happened"):
            delete()
        assert fault.happened == 1
    proxy.fault = Cut(on=lambda request: request.method == "SET", times=1)
    store.put("key-0", b"is sent again")
    assert proxy.fault.happened == 1


def test_all_replicas_that_are_asked_for_count(pair: tuple[Node, Node]) -> None:
    with get_store_from_url(url_of(pair[0].port, "wait=2&timeout=3")) as store:
        with pytest.raises(StoreUnavailable, match="1 of 2 replicas"):
            store.put("key", b"value")
        # It happened, and the connection owes no answer.
        assert store.get("key") == b"value"


def test_user_who_may_not_wait_is_told_that_it_may_have_happened(
    pair: tuple[Node, Node],
) -> None:
    rules = ("on", ">pw", "~*", "+@all", "-wait")
    pair[0].ask("ACL", "SETUSER", "hasty", *rules)
    url = url_of(pair[0].port, "wait=1").replace("//:", "//hasty:")
    with get_store_from_url(url.replace(quote(PASSWORD), "pw")) as store:
        with pytest.raises(AccessDenied, match=r"\+wait\. It may have happened"):
            store.put("key", b"by the hasty")
        assert store.get("key") == b"by the hasty"


def test_what_was_not_to_be_done_is_told_as_always(alone: Any) -> None:
    names = list(CONDITIONS)

    def check(number: int) -> None:
        kind, call = CONDITIONS[names[number]]
        with pytest.raises(kind):
            call(alone)

    together(len(names), check)
    assert alone.get("key-0") == b"5"


def test_wait_is_shorter_than_the_silence_that_is_too_long_and_never_for_ever() -> None:
    assert Wait.within(1, 5) == (1, 4000)
    assert Wait.within(1, 0.0001) == (1, 1)


@pytest.mark.parametrize("wrong", ["0", "-1", "all", "1.5"])
def test_wait_is_a_number_of_replicas(wrong: str) -> None:
    with pytest.raises(InvalidURL, match="wait"):
        get_store_from_url(f"redis://localhost?wait={wrong}")
