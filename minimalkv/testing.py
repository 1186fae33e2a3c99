"""The contracts that every store keeps, to run on a store of your own.

They need pytest; `StoreStateMachine` needs hypothesis, too. A test class has one
contract for what all stores do, and one for each thing more that its store can do::

    from minimalkv.testing import CopyContract, StoreContract

    class TestMyStore(StoreContract, CopyContract):
        @pytest.fixture
        def store(self):
            return MyStore()

What else there is to override, such as a way to the data behind the store's back,
makes the tests sharper: see the methods of `Contract`.
"""

from typing import TYPE_CHECKING, Any

from minimalkv._contract.atomic import AtomicContract
from minimalkv._contract.base import Contract
from minimalkv._contract.conditional import EtagContract
from minimalkv._contract.expiring_first import ExpiryRaceContract
from minimalkv._contract.extras import CopyContract, UrlContract
from minimalkv._contract.keys import KeyContract
from minimalkv._contract.listing import ListingContract, ManyContract
from minimalkv._contract.living import LivingContract
from minimalkv._contract.nasty import NASTY_KEYS
from minimalkv._contract.opening import OpeningContract
from minimalkv._contract.races import RaceContract
from minimalkv._contract.reading import ReadingContract
from minimalkv._contract.writer import WriterContract
from minimalkv._contract.writing import WritingContract

if TYPE_CHECKING:
    from minimalkv._contract.machine import StoreStateMachine

__all__ = [
    "NASTY_KEYS",
    "ConditionalContract",
    "Contract",
    "CopyContract",
    "ReadOnlyContract",
    "StoreContract",
    "StoreStateMachine",
    "TimeToLiveContract",
    "UrlContract",
]


class ReadOnlyContract(ReadingContract, OpeningContract, ListingContract):
    """What a store does that can only be read; `fill` goes past it."""


class StoreContract(
    ReadOnlyContract,
    WritingContract,
    WriterContract,
    ManyContract,
    KeyContract,
    LivingContract,
):
    """What every store does, whatever is behind it."""


class ConditionalContract(EtagContract, AtomicContract, RaceContract):
    """What is more about a store with ``conditional_support``: who was first."""


class TimeToLiveContract(ExpiryRaceContract):
    """What is more about a store with ``ttl_support``: the fixture ``advance``, too."""


def __getattr__(name: str) -> Any:
    if name != "StoreStateMachine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The only use of hypothesis.
    from minimalkv._contract.machine import StoreStateMachine

    return StoreStateMachine
