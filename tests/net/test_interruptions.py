"""Calls that a signal ends anywhere: the next one has its own answer."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.net.backend import Backend
from tests.net.signals import Interrupted, interrupted_by, interrupting, unclosed
from tests.proxy import Delay, Proxy


def _open(store: Any, key: str) -> bytes:
    with store.open(key) as file:
        data: bytes = file.read()
    return data


def _stream(store: Any, key: str) -> bytes:
    _, file = store.stream(key, 0, 99)
    with file:
        data: bytes = file.read()
    return data


_READS: dict[str, Callable[[Any, str], bytes]] = {
    "get": lambda store, key: store.get(key),
    "get_with_meta": lambda store, key: store.get_with_meta(key)[0],
    "get_many": lambda store, key: store.get_many([key])[key],
    "open": _open,
    "stream": _stream,
}


@pytest.mark.parametrize("name", _READS)
def test_interrupted_read_leaves_its_answer_to_nobody(
    store: Any, proxy: Proxy, name: str
) -> None:
    store.put_many({"slow": b"of slow", "quick": b"of quick"})
    fault = proxy.fault = Delay(0.2, times=1)
    with interrupted_by(fault):
        _READS[name](store, "slow")
    for read in (_READS[name], *_READS.values()):
        assert read(store, "quick") == b"of quick"


def test_interrupted_write_disturbs_nobody(store: Any, proxy: Proxy) -> None:
    store.put("quick", b"of quick")
    writes: list[Callable[[], object]] = [
        lambda: store.put("new", b"new"),
        lambda: store.put_file("new", io.BytesIO(b"new")),
        lambda: store.add("newer", b"new"),
        lambda: store.delete("new"),
    ]
    for write in writes:
        fault = proxy.fault = Delay(0.2, times=1)
        with interrupted_by(fault):
            write()
        for read in _READS.values():
            assert read(store, "quick") == b"of quick"


@unclosed
def test_call_after_an_interrupted_one_has_its_own_answer(
    backend: Backend, store: Any
) -> None:
    values = {f"key-{number}": b"%d" % number * 30_000 for number in range(7)}
    store.delete_prefix("")
    store.put_many(values)
    dice = random.Random(3)
    calls: list[Callable[[str], object]] = [
        store.get,
        store.head,
        store.__contains__,
        lambda key: store.put(key, values[key]),
        lambda key: store.get_many([key]),
        lambda key: store.keys(),
        lambda key: _open(store, key),
    ]
    interrupted = 0
    for _ in range(300):
        key = dice.choice(list(values))
        try:
            with interrupting(dice.uniform(*backend.interrupted_after_secs)):
                dice.choice(calls)(key)
        except Interrupted:
            interrupted += 1
        other = dice.choice(list(values))
        assert store.get(other) == values[other]
    assert interrupted > 30
    assert sorted(store.keys()) == sorted(values)
