"""Every test runs on a store in memory and on one in files."""

import os

import django
import pytest
from django.urls import clear_script_prefix
from pytest_django import Settings

from minimalkv import KeyValueStore
from minimalkv_django.sessions import SessionStore
from tests.django.caches import cache, calls, later, near_cache
from tests.django.storages import memory, storage, storage_url
from tests.django.visitors import Visitor
from tests.keeping import STORES, clock, inner
from tests.watched import WatchedStore

__all__ = [
    "cache",
    "calls",
    "clock",
    "inner",
    "later",
    "memory",
    "near_cache",
    "storage",
    "storage_url",
]

# Before 5.1, the sessions of Django have no methods to be awaited.
collect_ignore = [] if django.VERSION >= (5, 1) else ["test_session_async.py"]

if STORES in os.environ:
    # There are neither Pillow nor the SDKs where other versions of Django are tested.
    collect_ignore += [
        f"test_storage_{what}.py" for what in ("images", "races", "requests", "urls")
    ]


@pytest.fixture
def store(inner: KeyValueStore, settings: Settings) -> WatchedStore:
    settings.MINIMALKV_SESSION_STORE = watched = WatchedStore(inner)
    return watched


@pytest.fixture
def session(store: WatchedStore) -> SessionStore:
    assert store.calls == []
    return SessionStore()


@pytest.fixture
def visitor(store: WatchedStore) -> Visitor:
    assert store.calls == []
    return Visitor()


@pytest.fixture(autouse=True)
def script_prefix() -> None:
    # A site that another test has served in this thread may stand below a path.
    clear_script_prefix()
