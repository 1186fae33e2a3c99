"""Many requests at once at a site that several processes, or threads, serve."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.http import parse_cookie

from tests.backends.gunicorn import Gunicorn

PREFORK: Final = ("--workers=4", "--preload")
THREADS: Final = ("--workers=2", "--threads=8")

_BROWSERS: Final = 8
_SHARED: Final = 2
_OWN: Final = ("begin", "change?key=a", "renew", "change?key=b", "see", "leave")
_COMMON: Final = ("change?key={}", "count", "untouched", "see")


class Browser:
    """Somebody who visits the site.

    Parameters
    ----------
    port : int
        Where the site is.
    cookie : str
        What an earlier visit has left.
    """

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port = port
        self.cookie = cookie

    def asks(self, page: str) -> str:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            headers = {"Cookie": f"session={self.cookie}"} if self.cookie else {}
            connection.request("GET", f"/{page}", headers=headers)
            response = connection.getresponse()
            body = response.read().decode()
            assert response.status == 200, (page, response.status, body)
            sent = response.getheader("Set-Cookie")
        finally:
            connection.close()
        if sent is not None:
            self.cookie = parse_cookie(sent.partition(";")[0])["session"]
        return body

    def sees(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.asks("see"))
        return found


@pytest.fixture(params=["redis", "hfs"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        found: str = request.getfixturevalue("redis_server").url()
        return found
    return f"hfs://{tmp_path}/data"


@pytest.fixture(params=[PREFORK, THREADS], ids=["prefork", "threads"])
def site(request: pytest.FixtureRequest, url: str) -> Iterator[Gunicorn]:
    server = Gunicorn(f"tests.sessions.page:make({url!r})", *request.param)
    server.begin()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def shares(port: int, cookie: str, name: int, requests: int) -> tuple[set[str], int]:
    """Use a session that others use as well; return the keys and counts of ours."""
    browser = Browser(port, cookie)
    keys: set[str] = set()
    counts = 0
    for number, page in zip(range(requests), cycle(_COMMON), strict=False):
        key = f"{name}-{number}"
        browser.asks(page.format(key))
        if page.startswith("change"):
            keys.add(key)
        elif page == "count":
            counts += 1
        elif page == "see":
            assert keys <= browser.sees().keys()
    return keys, counts


def lives(port: int, requests: int) -> None:
    """Sign in, change, take a new id and sign out, again and again."""
    browser = Browser(port)
    for _ in range(max(requests // len(_OWN), 1)):
        for page in _OWN[:-1]:
            browser.asks(page)
        old = browser.cookie
        assert browser.sees() == {"n": 0, "a": True, "b": True}
        browser.asks(_OWN[-1])
        assert (browser.cookie, Browser(port, old).sees()) == ("", {})


def visit(site: Gunicorn, requests: int) -> None:
    each = requests // (_BROWSERS + _BROWSERS // 2)
    first = [Browser(site.port) for _ in range(_SHARED)]
    for browser in first:
        browser.asks("begin")
    with ThreadPoolExecutor(_BROWSERS + _BROWSERS // 2) as pool:
        alone = [pool.submit(lives, site.port, each) for _ in range(_BROWSERS // 2)]
        together = [
            pool.submit(shares, site.port, first[name % _SHARED].cookie, name, each)
            for name in range(_BROWSERS)
        ]
        for done in alone:
            done.result()
    for number, browser in enumerate(first):
        ours = [found.result() for found in together[number::_SHARED]]
        keys = set().union(*(keys for keys, _ in ours))
        total = sum(counts for _, counts in ours)
        assert browser.sees() == {**dict.fromkeys(keys, True), "n": total}
    assert "Traceback" not in site.log()
    assert "ERROR" not in site.log()


def test_no_request_fails_and_no_change_is_lost(site: Gunicorn) -> None:
    visit(site, 300)


@pytest.mark.stress
def test_of_two_thousand_requests_none_fails_and_no_change_is_lost(
    site: Gunicorn,
) -> None:
    visit(site, 2000)
