"""Processes of both roles at the same time, as in the middle of a rolling restart.

The one has the store in front that the other has behind it.
"""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from minimalkv import (
    KeyNotFound,
    KeyValueStore,
    PreconditionFailed,
    get_store_from_url,
)
from minimalkv._contract.tools import together
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from minimalkv.sync import sync
from minimalkv.ttl import with_ttl
from tests.migration.living import before

WRITES = ("put", "put_many", "writer", "update")
CHANGES = ("touch", "increment", "copy", "move")
KEYS = ("mkv-session-1", "mkv-cache-a", "mkv-cache-b")


class Pair:
    """Two stores, and a wrapper of each role over them.

    Attributes
    ----------
    stores : tuple of KeyValueStore
        The bare stores.
    roles : tuple of KeyValueStore
        What processes of the one role and of the other use.
    """

    def __init__(self, first: KeyValueStore, second: KeyValueStore) -> None:
        self.stores = (first, second)
        self.roles = (
            with_ttl(MigrationDecorator(second, first)),
            with_ttl(MigrationDecorator(first, second)),
        )

    def copy(self, backwards: bool = False) -> None:
        source, target = self.stores[::-1] if backwards else self.stores
        sync(source, target, missing_only=True)


@pytest.fixture(params=["memory", "files"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    files = FilesystemStore(tmp_path / "first", fsync=False)
    if request.param == "files":
        return Pair(files, FilesystemStore(tmp_path / "second", fsync=False))
    return Pair(files, DictStore())


def change(store: KeyValueStore, dice: random.Random, model: dict[str, bytes]) -> None:
    """Do one thing to one key, and to the model of what is there."""
    key, other = dice.sample(KEYS, 2)
    data = b"%d" % dice.randrange(10_000)
    kind = dice.choice([*WRITES, *CHANGES, "add", "delete"])
    if kind == "add":
        assert store.add(key, data) == (key not in model)
        model.setdefault(key, data)
    elif kind == "delete":
        store.delete(key)
        model.pop(key, None)
    elif kind in WRITES:
        write(store, kind, key, data)
        model[key] = data
    elif key in model:
        change_old(store, kind, (key, other), model)
    else:
        with pytest.raises(KeyNotFound):
            store.touch(key, 100)


def change_old(
    store: KeyValueStore, kind: str, keys: tuple[str, str], model: dict[str, bytes]
) -> None:
    key, other = keys
    if kind == "touch":
        store.touch(key, 100)
    elif kind == "increment":
        store.increment(key)
        model[key] = b"%d" % (int(model[key]) + 1)
    elif kind == "copy":
        store.copy(key, other)
        model[other] = model[key]
    else:
        store.move(key, other)
        model[other] = model.pop(key)


def write(store: KeyValueStore, kind: str, key: str, data: bytes) -> None:
    if kind == "put":
        store.put(key, data)
    elif kind == "put_many":
        store.put_many({key: data}, 100)
    elif kind == "writer":
        with store.open_writer(key, 100) as writer:
            writer.write(data)
    else:
        store.update(key, lambda _: data, 100)


@pytest.mark.parametrize("seed", range(8))
def test_what_one_role_has_done_both_roles_see(pair: Pair, seed: int) -> None:
    dice, model = random.Random(seed), dict[str, bytes]()
    for number in range(120):
        change(dice.choice(pair.roles), dice, model)
        if number % 20 == 10:
            pair.copy(backwards=dice.random() < 0.5)
        for store in pair.roles:
            assert store.get_many(KEYS) == model
            assert set(store.keys()) == set(model)


def test_nobody_is_signed_out_while_both_roles_write_the_same_session(
    pair: Pair,
) -> None:
    pair.roles[0].put(KEYS[0], b"0", 100)

    def visit(role: int) -> None:
        store, letter = pair.roles[role], b"ab"[role : role + 1]
        for _ in range(50):
            store.update(KEYS[0], lambda old: (old or b"gone")[:4] + letter, 100)
            assert store.get(KEYS[0])[:1] == b"0"

    together(2, visit)
    for store in pair.roles:
        assert store.get(KEYS[0])[:1] == b"0"


def go_on(store: KeyValueStore, key: str) -> None:
    with suppress(KeyNotFound, PreconditionFailed):
        store.put(key, b"more", 100, if_match=store.head(key).etag)


@pytest.mark.parametrize("leaving", [0, 1])
def test_who_signs_out_in_one_role_stays_so_in_both(pair: Pair, leaving: int) -> None:
    for number in range(60):
        key = f"mkv-session-{number}"
        pair.roles[number % 2].put(key, b"in", 100)

        def act(role: int, key: str = key) -> None:
            if role == leaving:
                pair.roles[role].delete(key)
            else:
                go_on(pair.roles[role], key)

        together(2, act)
        assert [key in store for store in pair.roles] == [False, False]


def test_going_back_finds_what_was_replaced_and_not_what_was_deleted(
    tmp_path: Path,
) -> None:
    """As docs/migrating.md tells, there and back again."""
    data, other = (f"hfs://{tmp_path}/{name}?fsync=false" for name in "ab")
    with get_store_from_url(data) as store:
        store.put_many({"replaced": b"v1", "deleted": b"v1", "unused": b"v1"})
    move(data, other)
    with get_store_from_url(other) as store:
        store.put("replaced", b"v2")
        store.delete("deleted")
    move(other, data)
    with get_store_from_url(data) as store:
        assert store.get_many(store.keys()) == {"replaced": b"v2", "unused": b"v1"}


def move(source: str, target: str) -> None:
    for url in (before(target, source), before(source, target)):
        with get_store_from_url(url) as store:
            assert store.get("unused") == b"v1"
    with get_store_from_url(source) as old, get_store_from_url(target) as new:
        assert sync(old, new, missing_only=True).complete
        assert sync(old, new, missing_only=True).copied == 0
        old.delete_prefix("")
