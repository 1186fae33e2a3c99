"""What is said otherwise in Flask: which store is meant, and the servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask import Flask, Response
from werkzeug.exceptions import NotFound, ServiceUnavailable

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._contract.tools import sample
from minimalkv_flask import MinimalKV
from minimalkv_flask.serving import send_from_store
from tests.watched import WatchedStore

KEY = "film.mp4"
VALUE = sample(2_000_003)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyValueStore]:
    with get_store_from_url(f"hfs://{tmp_path}/data") as store:
        store.put(KEY, VALUE)
        yield store


def body(app: Flask, store: Any, **options: Any) -> bytes:
    with app.test_request_context():
        given: Any = send_from_store(store, KEY, **options).response
        data = b"".join(given)
        given.close()
        return data


def test_a_store_is_an_alias_a_url_or_itself(
    store: KeyValueStore, tmp_path: Path
) -> None:
    url = f"hfs://{tmp_path}/data"
    configured, with_extension = Flask("configured"), Flask("with extension")
    configured.config["MINIMALKV_STORES"] = {"uploads": url}
    with_extension.config.update(SECRET_KEY="key", MINIMALKV_URL=url)
    MinimalKV(with_extension)

    assert body(Flask("plain"), store) == VALUE
    assert body(Flask("plain"), url) == VALUE
    assert body(configured, "uploads") == VALUE
    assert body(with_extension, "uploads") == VALUE


def test_errors_are_responses_that_an_application_can_handle(
    store: KeyValueStore,
) -> None:
    watched = WatchedStore(store)
    with Flask("files").test_request_context():
        for key in ("missing", "../film.mp4", "mkv-session-0"):
            with pytest.raises(NotFound):
                send_from_store(watched, key)
        watched.fail()
        with pytest.raises(ServiceUnavailable) as failed:
            send_from_store(watched, KEY)
    assert failed.value.retry_after


class _Wrapper:
    """What a server gives: it would have the system send the file."""

    def __init__(self, file: BinaryIO, piece_bytes: int = 8192) -> None:
        self.file = file
        self.piece_bytes = piece_bytes

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("Nobody reads what the system sends.")

    def close(self) -> None:
        self.file.close()


def sent(store: KeyValueStore, **headers: str) -> tuple[Response, Any]:
    environ = {"wsgi.file_wrapper": _Wrapper}
    with Flask("files").test_request_context(
        headers=headers, environ_overrides=environ
    ):
        response = send_from_store(store, KEY)
        return response, response.response


def test_a_server_is_given_the_file_itself(store: KeyValueStore) -> None:
    response, given = sent(store)

    assert isinstance(given, _Wrapper)
    assert given.file.fileno() > 2
    assert given.piece_bytes == 256 * 1024
    assert response.direct_passthrough
    given.close()
    assert given.file.closed


def test_a_server_is_not_given_the_file_for_a_part_of_it(store: KeyValueStore) -> None:
    _, given = sent(store, Range="bytes=1000-700000")

    assert b"".join(given) == VALUE[1000:700_001]
    given.close()
