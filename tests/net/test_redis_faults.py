"""What Redis alone does on a bad line, and what a client of somebody else does."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

from minimalkv import StoreUnavailable, get_store_from_url
from minimalkv._contract.tools import in_child
from minimalkv.memory.redisstore import RedisStore
from tests.backends.redis import RedisServer
from tests.net.backend import one_of
from tests.net.signals import Interrupted, interrupted_by, interrupting, unclosed
from tests.net.uses import CONDITIONAL, UNTOUCHED, state
from tests.proxy import Cut, Delay, Drop, Fault, Proxy, Refuse, Request, Reset
from tests.waiting import wait_until

backend = one_of("redis")


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


@pytest.mark.parametrize("kind", [Cut, Reset, Drop])
def test_plain_writes_with_a_lifetime_are_repeated_once(
    store: Any, proxy: Proxy, kind: type[Fault]
) -> None:
    writes: dict[str, Callable[[], object]] = {
        "put for a while": lambda: store.put("new", b"value", 100),
        "put_many": lambda: store.put_many({"new": b"value", "newer": b"value"}, 100),
        "touch": lambda: store.touch("number", 100),
    }
    for write in writes.values():
        fault = proxy.fault = kind(times=1)
        write()
        assert fault.happened == 1
        fault = proxy.fault = kind()
        with pytest.raises(StoreUnavailable, match=r"It may have happened\."):
            write()
        assert fault.happened == 2
        proxy.fault = None
    assert store.get_many(["new", "newer"]) == {"new": b"value", "newer": b"value"}
    assert 90 < (store.ttl("number") or 0) <= 100


# Those that are not.

ONCE: dict[str, tuple[Callable[[Any], object], dict[str, bytes | None]]] = {
    "put_many if absent": (
        lambda store: store.put_many({"new": b"new", "newer": b""}, if_absent=True),
        {"new": b"new"},
    ),
    "move": (lambda store: store.move("number", "new"), {"number": None, "new": b"5"}),
    "touch to nothing": (lambda store: store.touch("number", 0), {"number": None}),
}
COMMANDS = on("SET", "EVALSHA", "EVAL", "PEXPIRE")


@pytest.mark.parametrize("name", ONCE)
def test_lost_reply_is_unknown_and_sent_once(
    name: str, store: Any, proxy: Proxy
) -> None:
    use, changes = ONCE[name]
    use(store)  # from now on Redis knows the script
    store.delete_many(["new", "newer"])
    store.put("number", b"5")
    proxy.reset_counts()
    fault = proxy.fault = Cut(on=COMMANDS)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        use(store)
    assert fault.happened == 1
    sent = sum(map(COMMANDS, proxy.requests))
    assert sent == (2 if name == "put_many if absent" else 1)
    proxy.fault = None
    assert state(store) == UNTOUCHED | changes


@pytest.mark.parametrize("name", ONCE)
def test_what_never_arrived_is_unknown_too(name: str, store: Any, proxy: Proxy) -> None:
    use, _ = ONCE[name]
    proxy.fault = Drop(on=COMMANDS)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        use(store)
    assert proxy.fault.happened == 1
    proxy.fault = None
    assert state(store) == UNTOUCHED


@pytest.mark.parametrize("name", [*ONCE, *CONDITIONAL])
def test_condition_on_a_connection_that_was_closed_goes_through(
    name: str, redis_server: RedisServer
) -> None:
    direct: Any = get_store_from_url(redis_server.url())
    with direct, redis_server.client() as client:
        direct.put_many({"number": b"5", "key": b"value"})
        etag = direct.head("key").etag
        client.client_kill_filter(_type="normal", skipme=True)
        if name in ONCE:
            ONCE[name][0](direct)
        else:
            CONDITIONAL[name][0](direct, etag)


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


def test_interrupted_call_of_a_given_client_leaves_its_answer_to_nobody(
    store: Any, given: RedisStore, proxy: Proxy
) -> None:
    store.put_many({"slow": b"of slow", "quick": b"of quick"})
    reads: list[Callable[[str], bytes]] = [
        lambda key: given.get(key),
        lambda key: given.get_with_meta(key)[0],
        lambda key: given.get_many([key])[key],
        lambda key: given.stream(key, 0, 99)[1].read(),
    ]
    for read in reads:
        assert read("quick") == b"of quick"
        fault = proxy.fault = Delay(0.2, times=1)
        with interrupted_by(fault):
            read("slow")
        proxy.fault = None
        for _ in range(3):
            assert read("quick") == b"of quick"


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
