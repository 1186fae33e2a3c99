"""Visitors who use a site for long, and what its process takes meanwhile."""

import json
import time
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from statistics import median
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from werkzeug.http import parse_cookie

from minimalkv._contract.tools import sample
from tests.backends.gunicorn import Gunicorn
from tests.backends.process import HOST
from tests.backends.worker import Worker
from tests.forms import body_of, file

PARTS: Final = 10
"""The second and the last of so many parts of a soak are compared."""

_PHOTO: Final = sample(20_000)
_VISITS: Final = 7
_REMEMBERED: Final = 20


class Browser:
    """Somebody who comes back to a site, with all of what it offers.

    Parameters
    ----------
    server : Gunicorn
        The site.
    """

    def __init__(self, server: Gunicorn) -> None:
        self._connection = HTTPConnection(HOST, server.port, timeout=60)
        self._cookie = ""
        self.requests = 0

    def close(self) -> None:
        self._connection.close()

    def comes(self, round_number: int) -> None:
        """Visit the site, with what it has told a few rounds ago."""
        if round_number % _REMEMBERED == 0:
            self._cookie = ""
        for _ in range(_VISITS):
            self.asks("GET", "/visit")
        visits = json.loads(self.asks("GET", "/visit"))["visits"]
        assert visits == (round_number % _REMEMBERED + 1) * (_VISITS + 1)
        body, kind = body_of(file("photo", "a.png", _PHOTO))
        key = json.loads(self.asks("POST", "/upload", body, kind))["key"]
        assert self.asks("GET", f"/files/{key}") == _PHOTO
        self.asks("GET", f"/remove?key={quote(key)}")

    def asks(self, method: str, target: str, body: bytes = b"", kind: str = "") -> Any:
        headers = {"Content-Type": kind} if kind else {}
        if self._cookie:
            headers["Cookie"] = f"session={self._cookie}"
        self._connection.request(method, target, body, headers)
        with self._connection.getresponse() as response:
            data = response.read()
        assert response.status == 200, (target, response.status, data[:500])
        sent = response.getheader("Set-Cookie")
        if sent is not None:
            self._cookie = parse_cookie(sent.partition(";")[0])["session"]
        self.requests += 1
        return data


class Taken(NamedTuple):
    """What a process takes at one moment."""

    requests: int
    own_bytes: int
    open_files: int


class Growth(NamedTuple):
    """How much more a process takes in the last part of a soak than in the second.

    Attributes
    ----------
    requests : int
        How many lie between the two.
    begin_bytes : int
        The memory in the second part.
    more_bytes, more_files : int
        What was added.
    """

    requests: int
    begin_bytes: int
    more_bytes: int
    more_files: int

    @property
    def bytes_of_a_request(self) -> float:
        """How much each of them left."""
        return self.more_bytes / self.requests


def soak(server: Gunicorn, secs: float) -> Growth:
    """Use a site for some seconds, and return how much its one worker has grown."""
    worker, taken = Worker(server), list[list[Taken]]()
    began = time.monotonic()
    rounds = count()
    with closing(Browser(server)) as browser:
        for part in range(PARTS):
            taken.append([])
            while time.monotonic() - began < secs * (part + 1) / PARTS:
                browser.comes(next(rounds))
                now = Taken(browser.requests, worker.own_bytes, worker.open_files)
                taken[-1].append(now)
    early, late = (Taken(*map(median, zip(*taken[n], strict=True))) for n in (1, -1))
    return Growth(
        int(late.requests - early.requests),
        int(early.own_bytes),
        int(late.own_bytes - early.own_bytes),
        int(late.open_files - early.open_files),
    )
