"""Any calls in any order, on stores of which one holds half of the values at first."""

import shutil
import tempfile
from typing import Any

from hypothesis import settings

from minimalkv import KeyValueStore
from minimalkv._contract import machine
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.migration import MigrationDecorator
from minimalkv.testing import StoreStateMachine
from tests.migration.moving_back import MovingBack
from tests.test_state_machine import BOUNDED


class HalfMoved(StoreStateMachine):
    """Half of the values are in the old store, and of them half in the new one too."""

    def __init__(self) -> None:
        super().__init__()
        store: Any = self.store
        for number, key in enumerate(machine._KEYS):
            old, new = b"old %d" % number, b"new %d" % number
            if number % 4 < 2:
                store.old.put(key, old)
                self.model[key] = old
            if number % 4 in (1, 2):
                store._dstore.put(key, new)
                self.model[key] = new

    def make_store(self) -> KeyValueStore:
        self.root = tempfile.mkdtemp()
        old = HFilesystemStore(self.root, fsync=False)
        return MigrationDecorator(old, HDictStore())

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.root)


class Back(StoreStateMachine):
    """All values are always in the old store."""

    def make_store(self) -> KeyValueStore:
        return MovingBack(HDictStore(), HDictStore())


for each in (HalfMoved, Back):
    each.TestCase.settings = settings(BOUNDED, max_examples=40)

TestHalfMoved = HalfMoved.TestCase
TestBack = Back.TestCase
