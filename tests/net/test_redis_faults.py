"""Redis behind a network that fails: nothing short, nothing twice, nobody else's."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

from minimalkv import PreconditionFailed, StoreUnavailable, get_store_from_url
from minimalkv._contract.tools import in_child, sample
from minimalkv.memory.redisstore import RedisStore
from tests.backends.redis import RedisServer
from tests.net.redis_groups import wait_until
from tests.proxy import Cut, Delay, Drop, Fault, Proxy, Refuse, Request, Reset, Stall

VALUE = sample(300_000)
BROKEN: dict[str, Callable[..., Fault]] = {
    "cut before": Cut,
    "cut within": lambda **how: Cut(after=100_000, **how),
    "cut in the length": lambda **how: Cut(after=3, **how),
    "reset": Reset,
    "reset within": lambda **how: Reset(after=100_000, **how),
    "drop": Drop,
}
every_break = pytest.mark.parametrize("how", BROKEN)


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def url(redis_server: RedisServer, proxy: Proxy) -> str:
    return redis_server.through(redis_server.url(timeout=2), proxy.port)


@pytest.fixture
def store(url: str) -> Iterator[Any]:
    with get_store_from_url(url) as store:
        store.put("key", VALUE)
        store.put("number", b"5")
        yield store


@pytest.fixture
def given(url: str, redis_server: RedisServer, proxy: Proxy) -> Iterator[RedisStore]:
    """Return a store on a client of somebody else, in the same database."""
    client = Redis(
        "127.0.0.1",
        proxy.port,
        # As text: hiredis 3.5 crashes if it is interrupted while it writes a number.
        db=redis_server.namespace(url),  # type: ignore[arg-type]  # see above
        protocol=2,
        password=redis_server.credentials.secret,
        retry=Retry(NoBackoff(), 0),
    )
    with client:
        yield RedisStore(client)


def on(*methods: str) -> Callable[[Request], bool]:
    return lambda request: request.method in methods


READS: dict[str, Callable[[Any], bytes]] = {
    "get": lambda store: store.get("key"),
    "get_with_meta": lambda store: store.get_with_meta("key")[0],
    "open": lambda store: store.open("key").read(),
    "stream": lambda store: store.stream("key")[1].read(),
    "part": lambda store: store.stream("key", 0, 2**30)[1].read(),
    "get_many": lambda store: store.get_many(["key"])["key"],
}


@every_break
@pytest.mark.parametrize("name", READS)
def test_broken_answer_is_asked_for_again_and_never_short(
    how: str, name: str, store: Any, proxy: Proxy
) -> None:
    assert READS[name](store) == VALUE
    fault = proxy.fault = BROKEN[how](times=1)
    assert READS[name](store) == VALUE
    assert fault.happened == 1
    fault = proxy.fault = BROKEN[how]()
    with pytest.raises(StoreUnavailable):
        READS[name](store)
    assert fault.happened == 2
    proxy.fault = None
    assert READS[name](store) == VALUE


def test_stall_ends_in_time_and_is_not_repeated(store: Any, proxy: Proxy) -> None:
    for after in (0, 100_000):
        for name, read in READS.items():
            fault = proxy.fault = Stall(after=after)
            store._calls._settings = store._calls._settings._replace(timeout=0.3)
            store.close()
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"within 0\.3 seconds"):
                read(store)
            assert time.monotonic() - began < 1.5, name
            assert fault.happened == 1
            proxy.fault = None


def test_slow_answer_is_waited_for(store: Any, proxy: Proxy) -> None:
    proxy.fault = Delay(0.2)
    assert store.get("key") == VALUE


# Writes that are done twice are the same as once.


@every_break
def test_plain_writes_are_repeated_once(how: str, store: Any, proxy: Proxy) -> None:
    writes: dict[str, Callable[[], object]] = {
        "put": lambda: store.put("new", b"value"),
        "put for a while": lambda: store.put("new", b"value", 100),
        "put_many": lambda: store.put_many({"new": b"value", "other": b"value"}),
        "delete": lambda: store.delete("key"),
        "delete_many": lambda: store.delete_many(["key", "missing"]),
        "copy": lambda: store.copy("number", "new"),
        "touch": lambda: store.touch("number", 100),
    }
    kinds = {Cut: Cut, Reset: Reset, Drop: Drop}
    for write in writes.values():
        fault = proxy.fault = kinds[type(BROKEN[how]())](times=1)
        write()
        assert fault.happened == 1
        fault = proxy.fault = kinds[type(BROKEN[how]())]()
        with pytest.raises(StoreUnavailable, match=r"It may have happened\."):
            write()
        assert fault.happened == 2
        proxy.fault = None
    assert store.get("new") == b"5"
    assert store.get("other") == b"value"
    assert "key" not in store


# Those that are not.

ONCE: dict[str, Callable[[Any], object]] = {
    "add": lambda store: store.add("new", b"value"),
    "put if absent": lambda store: store.put("new", b"value", if_absent=True),
    "put_many if absent": lambda store: store.put_many(
        {"new": b"value", "newer": b"value"}, if_absent=True
    ),
    "put if it matches": lambda store: store.put(
        "number", b"value", if_match=store.etag
    ),
    "delete if it matches": lambda store: store.delete("number", if_match=store.etag),
    "update": lambda store: store.update("number", lambda old: old + b"0"),
    "increment": lambda store: store.increment("number"),
    "move": lambda store: store.move("number", "moved"),
    "touch to nothing": lambda store: store.touch("number", 0),
}
COMMANDS = on("SET", "EVALSHA", "EVAL", "PEXPIRE")


@pytest.mark.parametrize("name", ONCE)
def test_lost_reply_to_a_condition_is_unknown_and_sent_once(
    name: str, store: Any, proxy: Proxy
) -> None:
    for warm_up in (True, False):
        store.delete_many(["new", "newer", "moved"])
        store.put("number", b"5")
        store.etag = store.head("number").etag
        fault = proxy.fault = None if warm_up else Cut(on=COMMANDS)
        proxy.reset_counts()
        if fault is None:
            ONCE[name](store)
            continue
        with pytest.raises(StoreUnavailable, match=r"may have happened") as caught:
            ONCE[name](store)
        assert not isinstance(caught.value, PreconditionFailed)
        assert fault.happened == 1
        commands = [method for method in proxy.methods if method in "SET EVALSHA"]
        assert len(commands) <= (2 if name == "put_many if absent" else 1)
        proxy.fault = None
        # It did happen, and once.
        expected = {
            "increment": b"6",
            "update": b"50",
            "put if it matches": b"value",
            "move": None,
            "delete if it matches": None,
            "touch to nothing": None,
        }.get(name, b"5")
        assert store.get_many(["number"]).get("number") == expected
        assert ("new" in store) == ("absent" in name or name == "add")


@pytest.mark.parametrize("name", ONCE)
def test_condition_that_never_arrived_is_unknown_too(
    name: str, store: Any, proxy: Proxy
) -> None:
    store.etag = store.head("number").etag
    proxy.fault = Drop(on=COMMANDS)
    with pytest.raises(StoreUnavailable, match=r"may have happened"):
        ONCE[name](store)
    assert proxy.fault.happened == 1
    proxy.fault = None
    assert store.get("number") == b"5"
    assert "new" not in store


@pytest.mark.parametrize("name", ONCE)
def test_condition_on_a_connection_that_was_closed_goes_through(
    name: str, redis_server: RedisServer
) -> None:
    direct: Any = get_store_from_url(redis_server.url())
    with direct, redis_server.client() as client:
        direct.put("number", b"5")
        direct.etag = direct.head("number").etag
        client.client_kill_filter(_type="normal", skipme=True)
        ONCE[name](direct)


def test_restarted_server_is_found_again(
    store: Any, given: RedisStore, proxy: Proxy
) -> None:
    for each in (store, given):
        assert each.get("number") == b"5"
        proxy.fault = Refuse()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                each.get("number")
        proxy.fault = None
        assert each.increment("number", 0) == 5


# Interrupted calls.


class Interrupted(BaseException):
    """What a signal handler raises."""


@contextmanager
def interrupting(after: float = 0) -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_interrupted_call_leaves_its_answer_to_nobody(
    store: Any, given: RedisStore, proxy: Proxy
) -> None:
    store.put_many({"slow": b"of slow", "quick": b"of quick"})
    reads: list[Callable[[Any, str], bytes]] = [
        lambda one, key: one.get(key),
        lambda one, key: one.get_with_meta(key)[0],
        lambda one, key: one.get_many([key])[key],
        lambda one, key: one.stream(key, 0, 99)[1].read(),
    ]
    for each in (store, given):
        for read in reads:
            assert read(each, "quick") == b"of quick"
            fault = proxy.fault = Delay(0.2, times=1)
            with interrupting(after=0.05), pytest.raises(Interrupted):
                read(each, "slow")
            assert fault.happened == 1
            proxy.fault = None
            for _ in range(3):
                assert read(each, "quick") == b"of quick"


@pytest.mark.parametrize("whose", ["ours", "given"])
@pytest.mark.parametrize("method", ["send_packed_command", "read_response"])
def test_call_interrupted_between_its_steps_leaves_its_answer_to_nobody(
    method: str,
    whose: str,
    store: Any,
    given: RedisStore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.put_many({"slow": b"of slow", "quick": b"of quick"})
    victim: Any = store if whose == "ours" else given
    assert victim.get("quick") == b"of quick"
    step = getattr(AbstractConnection, method)
    interruptions = [signal.SIGALRM]

    def interrupted_step(*arguments: Any, **options: Any) -> Any:
        done = step(*arguments, **options)
        if interruptions:
            os.kill(os.getpid(), interruptions.pop())
        return done

    # The answer comes when the connection would be in use again.
    proxy.fault = Delay(0.3, times=1)
    monkeypatch.setattr(AbstractConnection, method, interrupted_step)
    with interrupting(), pytest.raises(Interrupted):
        victim.get_with_meta("slow")
    proxy.fault = None
    for _ in range(3):
        assert victim.get("quick") == b"of quick"
        assert victim.get_with_meta("quick")[0] == b"of quick"


# redis-py leaves a socket that it was just connecting to its finalizer.
unclosed = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


@unclosed
@pytest.mark.parametrize("whose", ["ours", "given"])
def test_calls_interrupted_anywhere_get_their_own_answers(
    whose: str, store: Any, given: RedisStore
) -> None:
    values = {f"key-{number}": b"of %d" % number for number in range(200)}
    store.put_many(values)
    victim = store if whose == "ours" else given
    dice = random.Random(whose)
    interrupted = 0
    with interrupting():
        for turn in range(4000):
            key = f"key-{turn % 200}"
            try:
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-5, 1e-3))
                value = victim.get(key)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupted:
                interrupted += 1
            else:
                assert value == values[key]
    assert interrupted > 400
    assert store.get_many(values) == values


@unclosed
def test_interrupted_calls_use_up_no_connections(url: str) -> None:
    small = url.replace("?", "?max_connections=2&")
    with get_store_from_url(small) as store:
        store.put("key", b"value")
        dice = random.Random(1)
        with interrupting():
            for _ in range(1500):
                try:
                    signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-5, 2e-3))
                    store.get("key")
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except Interrupted:
                    continue
        assert store.get("key") == b"value"


# Forks.


def test_child_and_parent_answer_their_own(store: Any, given: RedisStore) -> None:
    for each in (store, given):
        each.put_many({f"key-{number}": b"%d" % number for number in range(50)})

        def read(each: Any = each) -> None:
            for _ in range(3):
                for number in range(50):
                    assert each.get(f"key-{number}") == b"%d" % number

        with in_child(read), in_child(read):
            read()


def test_child_does_not_close_what_the_parent_uses(store: Any) -> None:
    store.get("number")
    with in_child(store.close):
        pass
    assert store.get("number") == b"5"


def test_closed_store_holds_no_connection(
    store: Any, given: RedisStore, redis_server: RedisServer
) -> None:
    store.close()
    with redis_server.client() as client:

        def connected() -> int:
            return len(client.client_list())

        before = connected()
        store.get("number")
        store.get_with_meta("number")
        assert connected() == before + 1
        store.close()
        wait_until(lambda: connected() == before)
        given.get("number")
        given.close()
        assert connected() == before + 1
        assert given.redis.ping() is True
