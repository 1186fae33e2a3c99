"""What visitors of a site do again and again: sessions, uploads and cached values.

Each visit writes numbers, one after the other, and reads them.
"""

import io
from collections.abc import Callable
from typing import Final, Protocol

from flask import Flask, request, session
from werkzeug.datastructures import FileStorage

from minimalkv import KeyNotFound, KeyValueStore, StoreUnavailable, get_store_from_url
from minimalkv_django.cache import KVCache
from minimalkv_django.sessions import SessionStore
from minimalkv_flask import KVSessionInterface
from minimalkv_flask.uploads import TEXT, UploadSet, configure_uploads

_LINES: Final = 2000


class Visit(Protocol):
    """One visitor, or one value.

    Attributes
    ----------
    keeps : bool
        Whether all that was written is kept, and not only the last.
    """

    keeps: bool

    def write(self, number: int) -> None:
        """Write a number, or raise a `StoreError`."""

    def read(self, number: int) -> int | None:
        """Return the number that is there instead of the expected, None for none."""


class FlaskSession:
    """A browser at a site of Flask."""

    keeps = False

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def _ask(self, path: str) -> str:
        response = self._client.get(path)
        if response.status_code == 503:
            raise StoreUnavailable("The site answers 503.")
        assert response.status_code == 200, response.status
        return response.text

    def write(self, number: int) -> None:
        self._ask(f"/?number={number}")

    def read(self, number: int) -> int | None:
        del number
        return int(self._ask("/")) or None


class DjangoSession:
    """A session of Django's."""

    keeps = False

    def __init__(self) -> None:
        self._id: str | None = None

    def write(self, number: int) -> None:
        session = SessionStore(self._id)
        session["number"] = number
        session.save()
        self._id = session.session_key

    def read(self, number: int) -> int | None:
        del number
        found: int | None = SessionStore(self._id).get("number")
        return found


class CachedValue:
    """A value in Django's cache."""

    keeps = False

    def __init__(self, cache: KVCache, name: str) -> None:
        self._cache = cache
        self._name = name

    def write(self, number: int) -> None:
        self._cache.set(self._name, {"number": number}, None)

    def read(self, number: int) -> int | None:
        del number
        found = self._cache.get(self._name)
        return None if found is None else int(found["number"])


class Uploads:
    """Files that somebody sends."""

    keeps = True

    def __init__(self, app: Flask, files: UploadSet, store: KeyValueStore) -> None:
        self._app = app
        self._files = files
        self._store = store
        self._keys: dict[int, str] = {}

    def write(self, number: int) -> None:
        sent = FileStorage(io.BytesIO(_text_of(number)), "a file.txt")
        with self._app.app_context():
            self._keys[number] = self._files.save(sent).key

    def read(self, number: int) -> int | None:
        try:
            data = self._store.get(self._keys[number])
        except KeyNotFound:
            return None
        found = int(data.partition(b"\n")[0])
        assert data == _text_of(found), "The file is broken."
        return found


def _text_of(number: int) -> bytes:
    return b"%d\n" % number * _LINES


def make_site(url: str, store: KeyValueStore) -> tuple[Flask, UploadSet]:
    """Return a site of Flask, and its set of uploads."""
    app = Flask("site")
    app.secret_key = "a key of the tests"
    app.session_interface = KVSessionInterface(url)
    files = UploadSet("files", TEXT, store=store)
    configure_uploads(app, files)

    @app.get("/")
    def page() -> str:
        if "number" in request.args:
            session["number"] = int(request.args["number"])
        return str(session.get("number", 0))

    return app, files


def makers(url: str) -> dict[str, Callable[[str], Visit]]:
    """Return what makes each kind of visit to a store, by a name of its own.

    The engine of Django's sessions has the store that the settings name.
    """
    store = get_store_from_url(url)
    app, files = make_site(url, store)
    cache = KVCache(url, {})
    return {
        "Flask session": lambda _: FlaskSession(app),
        "Django session": lambda _: DjangoSession(),
        "upload": lambda _: Uploads(app, files, store),
        "cache": lambda name: CachedValue(cache, name),
    }
