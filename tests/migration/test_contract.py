"""The migration wrapper under the contracts: before, in and after the move."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.decorator import PrefixDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.migration import MigrationDecorator
from minimalkv.testing import (
    NASTY_KEYS,
    ConditionalContract,
    CopyContract,
    StoreContract,
    TimeToLiveContract,
    UrlContract,
)
from minimalkv.ttl import TimeToLiveDecorator
from tests.migration.moving_back import MovingBack
from tests.under_contract import Memory, Plain, Store


class Quick(StoreContract):
    """A store whose races and keys others run in full."""

    nasty_keys = NASTY_KEYS[::8]
    nasty_prefixes = NASTY_KEYS[::8]
    race_rounds = 1
    race_updates = 4
    race_threads = 4


class TestMigrationDecorator(Memory):
    @pytest.fixture
    def store(self) -> Store:
        return MigrationDecorator(DictStore(), DictStore())


@pytest.mark.stress
class TestToFiles(Quick, Plain, ConditionalContract, CopyContract, UrlContract):
    """Keys that the old store cannot have are in the new one only."""

    @pytest.fixture
    def store(self, root: Path) -> Store:
        return MigrationDecorator(DictStore(), HFilesystemStore(root, fsync=False))


class TestMovingBack(Quick, Memory):
    """All that was written is in the old store when it is read."""

    @pytest.fixture
    def store(self) -> Store:
        return MovingBack(HDictStore(), HDictStore())


class TestMovingBackToFrames(Quick, Memory):
    """Sessions, which stand behind a frame in the old store and not in the new."""

    @pytest.fixture
    def store(self, root: Path) -> Store:
        old = FilesystemStore(root, fsync=False)
        return PrefixDecorator("mkv-", MovingBack(old, DictStore()))


class Framed(Quick, Plain, ConditionalContract, CopyContract, TimeToLiveContract):
    """Sessions in a new store in which they stand behind a frame."""


class TestMovingBackFromFrames(Framed):
    """And not in the old one, where what has expired is gone."""

    expired_take_room = False

    @pytest.fixture
    def store(self, root: Path) -> Store:
        moving = MovingBack(DictStore(), FilesystemStore(root, fsync=False))
        return TimeToLiveDecorator(PrefixDecorator("mkv-", moving))


class TestMovingBackFrames(Framed):
    """And in the old one, too."""

    @pytest.fixture
    def old_root(self) -> Iterator[Path]:
        with TemporaryDirectory() as name:
            yield Path(name)

    @pytest.fixture
    def store(self, root: Path, old_root: Path) -> Store:
        old = FilesystemStore(old_root, fsync=False)
        moving = MovingBack(old, FilesystemStore(root, fsync=False))
        return TimeToLiveDecorator(PrefixDecorator("mkv-", moving))
