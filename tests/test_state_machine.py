"""Stores and wrappers, compared with a dictionary through any calls in any order."""

import shutil
import tempfile

from hypothesis import HealthCheck, settings

from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import PrefixDecorator, URLEncodeKeysDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.testing import StoreStateMachine
from minimalkv.ttl import TimeToLiveDecorator
from tests.thirdparty import HFourMethods

BOUNDED = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)


class Memory(StoreStateMachine):
    def make_store(self) -> KeyValueStore:
        return DictStore()


class HMemory(StoreStateMachine):
    def make_store(self) -> KeyValueStore:
        return HDictStore()


class FourMethods(StoreStateMachine):
    def make_store(self) -> KeyValueStore:
        return HFourMethods()


class OnFiles(StoreStateMachine):
    def make_store(self) -> KeyValueStore:
        self.root = tempfile.mkdtemp()
        return self.make_on(self.root)

    def make_on(self, root: str) -> KeyValueStore:
        raise NotImplementedError

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.root)


class Files(OnFiles):
    def make_on(self, root: str) -> KeyValueStore:
        return FilesystemStore(root, fsync=False)


class HFiles(OnFiles):
    def make_on(self, root: str) -> KeyValueStore:
        return HFilesystemStore(root, fsync=False)


class PrefixOfTimeToLive(OnFiles):
    def make_on(self, root: str) -> KeyValueStore:
        inner = TimeToLiveDecorator(HFilesystemStore(root, fsync=False))
        return PrefixDecorator("c/e", inner)


class CacheOfHMAC(OnFiles):
    def make_on(self, root: str) -> KeyValueStore:
        inner = HMACDecorator(b"secret", HFilesystemStore(root, fsync=False))
        return CacheDecorator(HDictStore(), inner)


class URLEncoded(StoreStateMachine):
    def make_store(self) -> KeyValueStore:
        return URLEncodeKeysDecorator(DictStore())


for machine in StoreStateMachine.__subclasses__() + OnFiles.__subclasses__():
    machine.TestCase.settings = BOUNDED

TestMemory = Memory.TestCase
TestHMemory = HMemory.TestCase
TestFourMethods = FourMethods.TestCase
TestFiles = Files.TestCase
TestHFiles = HFiles.TestCase
TestPrefixOfTimeToLive = PrefixOfTimeToLive.TestCase
TestCacheOfHMAC = CacheOfHMAC.TestCase
TestURLEncoded = URLEncoded.TestCase
