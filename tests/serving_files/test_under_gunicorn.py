"""Large files, sent by a server."""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from typing import Final

import pytest

from minimalkv import get_store_from_url
from minimalkv._contract.tools import sample
from tests.backends.gunicorn import Gunicorn
from tests.backends.process import HOST
from tests.backends.worker import Worker
from tests.serving_files.sites import SITES
from tests.waiting import wait_until

_MIB: Final = 2**20
VALUE: Final = sample(_MIB) * 64
_GROWTH_BYTES: Final = 32 * _MIB


@pytest.fixture(scope="module", params=["files", "s3_server"])
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    found = f"hfs://{tmp_path_factory.mktemp('large')}/data"
    if request.param != "files":
        found = request.getfixturevalue(request.param).url()
    with get_store_from_url(found) as store:
        store.put("large.mp4", VALUE)
        store.put("small.txt", b"small")
    return found


@pytest.fixture(scope="module", params=SITES)
def site(request: pytest.FixtureRequest, url: str) -> Iterator[Gunicorn]:
    server = Gunicorn(f"tests.serving_files.page:make({request.param!r}, {url!r})")
    server.begin()
    try:
        server.wait()
        get(server, "small.txt")  # what is imported late is no growth
        yield server
    finally:
        server.stop()


def get(site: Gunicorn, key: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection(HOST, site.port, timeout=60)) as connection:
        connection.request("GET", f"/files/{key}", headers=headers)
        response = connection.getresponse()
        return response, response.read()


def has_open(worker: Worker, name: str) -> bool:
    with suppress(FileNotFoundError):  # one was closed just now
        links = (worker.folder / "fd").iterdir()
        return any(link.readlink().name == name for link in links)
    return has_open(worker, name)


def test_a_large_file_arrives_as_it_is_in_bounded_memory(site: Gunicorn) -> None:
    worker = Worker(site)
    before = worker.most_bytes

    response, data = get(site, "large.mp4")

    assert (response.status, sha256(data).digest()) == (200, sha256(VALUE).digest())
    assert response.getheader("Content-Length") == str(len(VALUE))
    assert response.getheader("Transfer-Encoding") is None
    assert worker.most_bytes - before < _GROWTH_BYTES


def test_a_film_is_sought_in(site: Gunicorn) -> None:
    begin = 40 * _MIB + 5

    response, data = get(site, "large.mp4", Range=f"bytes={begin}-{begin + 999_999}")

    assert (response.status, len(data)) == (206, 1_000_000)
    assert data == VALUE[begin : begin + 1_000_000]


@pytest.mark.parametrize("url", ["files"], indirect=True)
def test_a_file_is_closed_when_the_client_goes(site: Gunicorn) -> None:
    worker = Worker(site)
    with socket.socket() as client:
        # The system would take in all of the file at once.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.connect((HOST, site.port))
        client.sendall(b"GET /files/large.mp4 HTTP/1.0\r\n\r\n")
        assert client.recv(1)
        assert has_open(worker, "large.mp4")

    wait_until(lambda: not has_open(worker, "large.mp4"))
    assert get(site, "small.txt")[1] == b"small"
