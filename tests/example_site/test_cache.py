"""The cache and the counters of the example site, on every store."""

import threading

import pytest
from flask import Flask

from example_site import cached
from tests.example_site.visitor import DJANGO, Visitor, store_of

CACHE = f"{DJANGO}cache"


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the slow answer be a quick one, and tell how often it was computed."""
    monkeypatch.setattr(cached, "BELOW", 100)
    times: list[int] = []

    compute = cached.count_primes

    def count_primes() -> cached.Answer:
        times.append(1)
        return compute()

    monkeypatch.setattr(cached, "count_primes", count_primes)
    return times


def test_an_answer_is_computed_once_and_cleared_without_a_sign_out(
    site: Flask, counted: list[int]
) -> None:
    visitor = Visitor(site).sign_in()
    assert "Not in the cache." in visitor.page(CACHE).text

    for _ in range(3):
        assert "25 primes" in visitor.post(f"{CACHE}/ask").text
    assert len(counted) == 1
    assert ">25</p>" in visitor.page(CACHE).text
    cleared = visitor.post(f"{CACHE}/clear").text

    assert "The cache is empty." in cleared
    assert "Not in the cache." in cleared
    assert store_of(site).keys("mkv-cache-") == []


def test_who_asks_while_another_counts_gets_that_answer(
    site_of_files: Flask, counted: list[int]
) -> None:
    visitors = [Visitor(site_of_files).sign_in(f"Ada {n}") for n in range(4)]
    answers = []

    def ask(visitor: Visitor) -> None:
        answers.append(visitor.post(f"{CACHE}/ask").text)

    threads = [threading.Thread(target=ask, args=[visitor]) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum("25 primes" in answer for answer in answers) == 4
    assert len(counted) == 1


def test_clicks_of_all_visitors_are_counted(site: Flask) -> None:
    for name in ("Ada", "Bob"):
        page = Visitor(site).sign_in(name).post(f"{CACHE}/click").text

    assert '<p class="big">2</p>' in page


def test_both_frameworks_count_in_one_session(site: Flask) -> None:
    visitor = Visitor(site).sign_in()

    visitor.post("/sessions")
    page = visitor.post(f"{DJANGO}count").text

    assert "Django has counted" in page
    assert "counted to <strong>2</strong>." in page
    assert "counted to <strong>2</strong>." in visitor.page("/sessions").text


def test_a_stranger_has_a_session_that_counts(files: Flask) -> None:
    visitor = Visitor(files)
    token = visitor.token("/sessions")

    page = visitor.post("/sessions", csrf_token=token).text

    assert "counted to <strong>1</strong>." in page
    assert "Nobody is signed in here" in page
