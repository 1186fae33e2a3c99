"""Locks in a forked child: another thread may have held them, and is not there."""

import os
import weakref
from typing import Protocol


class Forks(Protocol):
    """An object that has to do something when it finds itself in a forked child."""

    def _after_fork(self) -> None: ...


_told: "weakref.WeakSet[Forks]" = weakref.WeakSet()


def tell_after_fork(thing: Forks) -> None:
    """Call ``_after_fork`` of an object in every child, as long as it lives."""
    _told.add(thing)


def _in_child() -> None:
    for thing in list(_told):
        thing._after_fork()


os.register_at_fork(after_in_child=_in_child)
