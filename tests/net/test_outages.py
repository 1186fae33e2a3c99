"""Servers that are silent, not there, or without the bucket: said so, and in time."""

import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from minimalkv import StoreUnavailable
from minimalkv._contract.tools import together
from tests.backends.process import HOST
from tests.net.backend import OBJECT_STORES, Backend, on
from tests.net.conftest import HASTY_SECS
from tests.net.uses import EVERY, READS, VALUE, WRITES
from tests.proxy import Answer, Delay, Proxy, Refuse, Request, Stall

_MORE_SECS = 5.0
_LATE = rf"in time|within {HASTY_SECS} seconds"
_REFUSED = "cannot be reached|impossible to connect|Connection refused"
_UNSENT = r"Nothing was (written|changed)\."


def _at_once(names: Iterable[str], use: Callable[[str], object]) -> None:
    """Do as much waiting at a time as there is."""
    listed = list(names)
    together(len(listed), lambda number: use(listed[number]))


@contextmanager
def _in_time(name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    took_secs = time.monotonic() - started
    assert took_secs < HASTY_SECS + _MORE_SECS, f"{name} took {took_secs:.1f} s"


def test_stalled_answer_is_given_up_in_time(
    backend: Backend, store: Any, hasty: Any, proxy: Proxy
) -> None:
    expected = {name: read(store) for name, read in READS.items()}
    stalled: dict[str, str] = {}

    def check(name: str) -> None:
        began = time.monotonic()
        try:
            assert READS[name](hasty) == expected[name]
        except StoreUnavailable as error:
            stalled[name] = str(error)
            took_secs = time.monotonic() - began
        else:
            return
        assert took_secs > 0.8 * HASTY_SECS, name

    for place in backend.stalls:
        fault = proxy.fault = Stall(**place)
        with _in_time(str(place)):
            _at_once(READS, check)
        # What took all of the time is not repeated; `get_many` may be two requests.
        assert fault.happened <= len(READS) + 1
    assert stalled.keys() == READS.keys()
    unclear = {name: s for name, s in stalled.items() if not re.search(_LATE, s)}
    assert unclear == {}
    proxy.fault = None
    for name, read in READS.items():
        assert read(hasty) == expected[name]


def test_stalled_write_is_given_up_in_time(
    backend: Backend, hasty: Any, proxy: Proxy
) -> None:
    proxy.fault = Stall(on=backend.is_write)

    def check(name: str) -> None:
        with pytest.raises(StoreUnavailable, match=_LATE) as caught:
            WRITES[name](hasty)
        assert "may have happened" in str(caught.value), f"{name}: {caught.value}"

    with _in_time("All of them"):
        _at_once(WRITES, check)
    assert proxy.fault.happened >= len(WRITES)


@pytest.mark.usefixtures("no_pauses")
def test_refused_port_is_named(store: Any, proxy: Proxy) -> None:
    expected = store.get("key")
    proxy.fault = Refuse()
    place = f"{HOST}:{proxy.port}"
    for name, use in EVERY.items():
        with pytest.raises(StoreUnavailable, match=_REFUSED) as caught:
            use(store)
        said = str(caught.value)
        assert place in said
        # What is updated or incremented may be read first.
        if not name.startswith(("update", "increment")):
            assert bool(re.search(_UNSENT, said)) == (name not in READS), said
    proxy.fault = None
    assert store.get("key") == expected


def test_host_that_never_answers_is_given_up_in_time(backend: Backend) -> None:
    url = backend.url(timeout=HASTY_SECS)
    with socket.create_server((HOST, 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        with backend.opened(url, port) as store:

            def check(name: str) -> None:
                with _in_time(name), pytest.raises(StoreUnavailable) as caught:
                    EVERY[name](store)
                said = str(caught.value)
                assert f"{HOST}:{port}" in said
                assert re.search(f"{_LATE}|cannot be reached", said), f"{name}: {said}"

            _at_once(EVERY, check)


def test_slow_answer_is_waited_for(store: Any, proxy: Proxy) -> None:
    expected = store.get("key")
    fault = proxy.fault = Delay(0.2)
    assert store.get("key") == expected
    assert fault.happened == 1


@on(*OBJECT_STORES)
def test_server_says_when_to_ask_again(backend: Backend, proxy: Proxy) -> None:
    slow = Delay(1.6, after=100_000)

    def once(request: Request) -> bool:
        del request
        proxy.fault = slow
        return True

    with backend.opened(backend.url(timeout=2.5), proxy.port) as store:
        store.put("key", VALUE)
        reply = b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
        proxy.fault = Answer(reply, on=once)
        started = time.monotonic()
        _, file = store.stream("key")
        assert time.monotonic() - started >= 1
        # What is left of the time is less than the pause, but that is within the value.
        with file:
            assert file.read() == VALUE
        assert slow.happened == 1
