"""What a network does to a client, by chance."""

import random
from collections.abc import Callable
from typing import Final

from tests.net.backend import Backend
from tests.proxy import (
    Cut,
    Drip,
    Drop,
    Fault,
    Flip,
    FlipSent,
    Proxy,
    Refuse,
    Request,
    Reset,
    Stall,
)

_LARGEST_BYTES: Final = 300_000
_GUARDS: Final = ("content-md5", "x-amz-checksum-crc32", "x-goog-hash")
# In a shorter one the bit in the middle may be of what stands around the value.
_LEAST_FLIPPED_BYTES: Final = 2_000

_PATIENCE_CALLS: Final = 8

Draw = Callable[[random.Random, Backend, int | None], Fault]


def _anywhere(dice: random.Random) -> int:
    return int(_LARGEST_BYTES ** dice.random())


def _reset(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del backend
    return Reset(after=dice.choice([0, _anywhere(dice)]), times=times)


def _half(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    kind = dice.choice([Cut, Reset])
    return kind(**dice.choice(backend.short), times=times)


def _head(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    places = [*backend.places, {"after": dice.randrange(1, 600)}]
    return Cut(**dice.choice(places), times=times)


def _stall(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    places = [*backend.stalls, {"after": _anywhere(dice)}]
    return Stall(**dice.choice(places), times=times)


def _drip(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del backend
    return Drip(dice.randrange(2, 12), 0.01, after=_anywhere(dice), times=times)


def _refuse(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del dice, backend, times
    return Refuse()


def _drop(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del backend
    return Drop(after=dice.choice([None, 0, _anywhere(dice)]), times=times)


def _lost(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    kind = dice.choice([Cut, Reset])
    return kind(on=backend.is_conditional, times=times)


def _flip(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del backend
    return Flip(dice.random(), times=times)


def _flip_sent(dice: random.Random, backend: Backend, times: int | None) -> Fault:
    del backend
    return FlipSent(dice.uniform(0.45, 0.55), on=_is_guarded, times=times)


def _is_guarded(request: Request) -> bool:
    size = int(request.headers.get("content-length", 0))
    says_sum = any(name in request.headers for name in _GUARDS)
    return says_sum and request.method == "PUT" and size > _LEAST_FLIPPED_BYTES


KINDS: Final[dict[str, Draw]] = {
    "reset": _reset,
    "half an answer": _half,
    "cut in its head": _head,
    "stall": _stall,
    "slow drip": _drip,
    "refused": _refuse,
    "dropped": _drop,
    "lost reply to a condition": _lost,
    "flipped bit": _flip,
    "flipped bit on its way up": _flip_sent,
}


class Weather:
    """Faults, of all kinds equally often, each until it has happened.

    Parameters
    ----------
    proxy : Proxy
        Before the backend.
    kinds : iterable of str
        Of `KINDS`.
    """

    def __init__(
        self,
        proxy: Proxy,
        backend: Backend,
        dice: random.Random,
        kinds: tuple[str, ...] = tuple(KINDS),
    ) -> None:
        self._proxy = proxy
        self._backend = backend
        self._dice = dice
        self._kinds = kinds
        self._coming: list[str] = []
        self._waiting: Fault | None = None
        self._calls = 0
        self.kind = ""
        self.happened = dict.fromkeys(kinds, 0)

    def worsen(self) -> None:
        """Have a fault wait for the next call."""
        if not self.kind:
            if not self._coming:
                self._coming = self._dice.sample(self._kinds, len(self._kinds))
            self.kind = self._coming.pop()
        if self._calls % _PATIENCE_CALLS == 0:
            # No answer may be as long as the place is far where the last one waits.
            times = self._dice.choice([1, 1, 2, None])
            self._waiting = KINDS[self.kind](self._dice, self._backend, times)
        self._calls += 1
        self._proxy.fault = self._waiting

    def clear(self) -> None:
        """Have nothing happen, and count what did."""
        fault, self._proxy.fault = self._proxy.fault, None
        if fault is not None and (fault.happened or isinstance(fault, Refuse)):
            self.happened[self.kind] += fault.happened or 1
            self._calls, self.kind = 0, ""

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(self.happened.values())
