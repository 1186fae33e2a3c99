"""A live site that is used all the time, whatever its stores are."""

import io
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from urllib.parse import quote

from django.test import Client
from flask import Flask
from pytest_django import Settings

from tests.migration.pages import COOKIE, flask_app

SECRET = "a key of the tests"


def before(old: str, new: str) -> str:
    """Return the URL of a new store that has an old one."""
    return f"{new}#wrap:migrate({quote(old, safe='')})"


class Visitor:
    """A browser that goes to both halves of the site, and knows what it has done.

    Attributes
    ----------
    photos : dict of str to bytes
        What it has uploaded, by the keys.
    is_in : bool
        Whether it is signed in.
    """

    def __init__(self, site: "LiveSite", number: int) -> None:
        self.site = site
        self.number = number
        self.added = {"flask": 0, "django": 0}
        self.photos: dict[str, bytes] = {}
        self.is_in = True
        self._cookie: str | None = None

    def visit(self) -> None:
        """Use everything; whoever is signed in stays so."""
        if self.is_in:
            self._add()
        self._keep()
        self.look()

    def look(self) -> None:
        """See the session at both halves, and all photos."""
        expected = {name: n for name, n in self.added.items() if n and self.is_in}
        assert self._of_flask("/see") == expected
        assert self._of_django("/see") == expected
        client = self.site.flask.test_client()
        for key, data in self.photos.items():
            with client.get(f"/photos/{key}") as answer:
                assert answer.get_data() == data

    def leave(self, half: str) -> None:
        """Sign out, but keep the cookie: it is worth nothing any more."""
        self.is_in = False
        {"flask": self._of_flask, "django": self._of_django}[half]("/leave")

    def _add(self) -> None:
        self.added["flask"] += 1
        assert self._of_flask("/add")["flask"] == self.added["flask"]
        self.added["django"] += 1
        assert self._of_django("/add")["django"] == self.added["django"]

    def _keep(self) -> None:
        data = b"photo %d of %d" % (len(self.photos), self.number)
        files = {"photo": (io.BytesIO(data), f"of-flask-{self.number}.txt")}
        of_flask = self.site.flask.test_client().post("/keep", data=files)
        self.photos[of_flask.get_data(as_text=True)] = data
        of_django: Any = Client().post("/keep", data, content_type="text/plain")
        self.photos[of_django.json()["key"]] = data

    def _of_flask(self, page: str) -> Any:
        client = self.site.flask.test_client()
        if self._cookie is not None:
            client.set_cookie(COOKIE, self._cookie)
        answer = client.get(page)
        assert answer.status_code == 200, answer.get_data()
        cookie = client.get_cookie(COOKIE)
        if self.is_in:
            assert cookie is not None, "signed out"
            self._cookie = cookie.value
        return answer.get_json(silent=True)

    def _of_django(self, page: str) -> Any:
        client = Client()
        if self._cookie is not None:
            client.cookies[COOKIE] = self._cookie
        answer = client.get(page)
        assert answer.status_code == 200
        if self.is_in:
            assert client.cookies[COOKIE].value == self._cookie
        return answer.json()


class LiveSite:
    """The site, on the stores that it was told last."""

    flask: Flask

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.ROOT_URLCONF = "tests.migration.pages"
        settings.SESSION_COOKIE_NAME = COOKIE
        settings.STORAGES = {
            "photos": {
                "BACKEND": "minimalkv_django.storage.KVStorage",
                "OPTIONS": {"store": "uploads"},
            }
        }

    def use(self, stores: Mapping[str, str]) -> None:
        """Begin with other stores, as a restart with other settings does."""
        self.restart_django(stores)
        self.restart_flask(stores)

    def restart_flask(self, stores: Mapping[str, str]) -> None:
        """Restart the half of Flask only: the other half still has its settings."""
        self.flask = flask_app(dict(stores), SECRET)

    def restart_django(self, stores: Mapping[str, str]) -> None:
        """Restart the half of Django only."""
        self._settings.MINIMALKV_STORES = dict(stores)
        self._settings.CACHES = {
            "default": {
                "BACKEND": "minimalkv_django.cache.KVCache",
                "LOCATION": "cache",
            }
        }


@contextmanager
def visited(visitors: list[Visitor]) -> Iterator[None]:
    """Let all visitors visit the site again and again while the block runs."""
    is_over = Event()

    def stay(visitor: Visitor) -> None:
        while True:
            visitor.visit()
            if is_over.is_set():
                return

    with ThreadPoolExecutor(len(visitors)) as pool:
        visits: list[Future[None]] = [pool.submit(stay, v) for v in visitors]
        try:
            yield
        finally:
            is_over.set()
        for visit in visits:
            visit.result(timeout=60)
