"""Threads that write to a store until they are stopped, always the same.

``python -m tests.reliability.labour STORE FOLDER`` says after each step that it is
done. So whoever counts the lines knows what the store has to hold: what the same steps
leave in a dictionary.
"""

import os
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from minimalkv import KeyNotFound, KeyValueStore
from tests.reliability.nursery import Signed, open_store
from tests.workers import signed

THREADS: Final = 8
_NAMES: Final = ("a", "b", "folder/c", "folder/d", "deep/er/e")
_SIZES: Final = (0, 100, 5_000, 70_000)
_VERBS: Final = ("put", "put", "put_file", "put filename", "writer", "delete", "move")


class Step(NamedTuple):
    """What a thread does at once; a value is told by its number and size."""

    verb: str
    key: str
    other: str
    number: int
    size: int


def steps(number: int) -> Iterator[Step]:
    """Yield the steps of a thread, the same in every run, on keys of its own."""
    dice = random.Random(number)
    for step in count(1):
        key, other = (f"worker-{number}/{name}" for name in dice.sample(_NAMES, 2))
        yield Step(dice.choice(_VERBS), key, other, step, dice.choice(_SIZES))


def note(values: dict[str, bytes], step: Step) -> None:
    """Do in a dictionary what a step does in a store."""
    if step.verb == "delete":
        values.pop(step.key, None)
    elif step.verb == "move":
        if step.key in values:
            values[step.other] = values.pop(step.key)
    else:
        values[step.key] = signed(step.number, step.size)


def do(store: KeyValueStore, step: Step, folder: Path) -> None:
    """Do a step; files that are given away come from a folder."""
    if step.verb == "delete":
        store.delete(step.key)
    elif step.verb == "move":
        with suppress(KeyNotFound):
            store.move(step.key, step.other)
    elif step.verb == "put_file":
        store.put_file(step.key, Signed(step.number, step.size))
    else:
        value = signed(step.number, step.size)
        if step.verb == "put":
            store.put(step.key, value)
        elif step.verb == "put filename":
            given = folder / step.key.replace("/", "-")
            given.write_bytes(value)
            store.put_file(step.key, given)
        else:
            with store.open_writer(step.key) as writer:
                writer.write(value)


def _labour(store: KeyValueStore, number: int, folder: Path) -> None:
    try:
        for step in steps(number):
            do(store, step, folder)
            os.write(1, b"%d\n" % number)
    finally:
        os._exit(1)


if __name__ == "__main__":
    opened, given = open_store(sys.argv[1]), Path(sys.argv[2])
    for number in range(THREADS):
        threading.Thread(target=_labour, args=(opened, number, given)).start()
