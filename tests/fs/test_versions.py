"""Versions differ, whatever the clock does."""

import os
from typing import Any

import pytest

from minimalkv._fs import drafts
from minimalkv._hstores import HFilesystemStore


def test_versions_differ_though_the_clock_stands_still(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    etags = set()
    for number in range(50):
        store.put("a", b"%02d" % number)
        etags.add(store.head("a").etag)
    assert len(etags) == 50


def test_versions_differ_though_the_clock_goes_back(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"1")
    before = store.head("a").etag
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000_000_000_000)
    store.put("a", b"2")
    assert store.head("a").etag != before


def test_versions_differ_where_only_seconds_are_kept(
    store: HFilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.utime

    def coarse(target: Any, ns: tuple[int, int]) -> None:
        seconds = ns[1] // 1_000_000_000 * 1_000_000_000
        really(target, ns=(seconds, seconds))

    monkeypatch.setattr(os, "utime", coarse)
    monkeypatch.setattr(drafts, "_exact_devices", set())
    etags = set()
    for number in range(40):
        store.put("a", b"%02d" % number)
        etags.add(store.head("a").etag)
        store.delete("a")
        store.put("b", b"%02d" % number)
    assert len(etags) == 40
