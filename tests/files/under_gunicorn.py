"""Large files that are sent to a server: each framework has the tests of one class."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._contract.tools import sample
from tests.backends.gunicorn import Gunicorn
from tests.backends.process import HOST
from tests.backends.worker import Worker
from tests.forms import BOUNDARY, body_of, file, text

STORES: Final = ("hfs", "s3_server", "azure_server", "gcs_server")

_MIB: Final = 2**20
_PIECE: Final = sample(_MIB)
_GROWTH_BYTES: Final = 32 * _MIB
_KIND: Final = f"multipart/form-data; boundary={BOUNDARY}"
_END_BYTES: Final = 1000


def pieces_of_file(mib: int) -> Iterator[bytes]:
    """Yield a file in pieces that are as large as each other, and all different."""
    for number in range(mib):
        yield number.to_bytes(8) + _PIECE[8:]


def pieces_of_form(mib: int) -> Iterator[bytes]:
    """Yield a form with a file of so many MiB."""
    whole, _ = body_of(text("title", "mine"), file("video", "v.bin", b"|"))
    before, after = whole.split(b"|")
    yield before
    yield from pieces_of_file(mib)
    yield after


def digest_of(pieces: Iterable[bytes]) -> str:
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


class Site:
    """A site that a server shows, to which somebody sends files.

    Parameters
    ----------
    server : Gunicorn
        With one worker.
    url : str
        The store of the site.
    temporary : Path
        Where its temporary files would be.
    """

    def __init__(self, server: Gunicorn, url: str, temporary: Path) -> None:
        self.server = server
        self.url = url
        self.temporary = temporary

    def sends(self, mib: int, page: str = "videos") -> tuple[int, Any]:
        """Send a form with a file; return the status, and what the answer says."""
        length = sum(map(len, pieces_of_form(mib)))
        headers = {"Content-Type": _KIND, "Content-Length": str(length)}
        with closing(HTTPConnection(HOST, self.server.port, timeout=100)) as connection:
            connection.request("POST", f"/{page}", pieces_of_form(mib), headers)
            response = connection.getresponse()
            said = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(said) if is_json else said.decode()

    def breaks_off(self, pieces: Iterable[bytes], **headers: str) -> None:
        """Begin to send a form, and go."""
        with closing(HTTPConnection(HOST, self.server.port, timeout=100)) as connection:
            connection.putrequest("POST", "/videos")
            connection.putheader("Content-Type", _KIND)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            connection.send(b"".join(pieces))

    def shows_end(self, key: str, size: int) -> tuple[int, bytes]:
        """Ask for the last bytes of a file."""
        with closing(HTTPConnection(HOST, self.server.port, timeout=100)) as connection:
            headers = {"Range": f"bytes=-{size}"}
            connection.request("GET", f"/files/{key}", headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

    @contextmanager
    def bounded(self, written: int) -> Iterator[None]:
        """Fail if the worker takes much memory, or writes more than so many bytes."""
        worker = Worker(self.server)
        most, wrote = worker.most_bytes, worker.written_bytes
        yield
        assert worker.most_bytes - most <= _GROWTH_BYTES
        assert written <= worker.written_bytes - wrote <= written + _MIB
        assert list(self.temporary.iterdir()) == []


class LargeUploads:
    """Tests of a page that keeps files that are sent to it, and sends them back.

    Attributes
    ----------
    page : str
        The module with ``make(url)``, which returns a site with ``/videos`` that takes
        any file, ``/images`` that takes images only, and ``/files/KEY``.
    """

    page: ClassVar[str]

    @pytest.fixture(scope="class", params=STORES)
    @classmethod
    def url(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> str:
        if request.param == "hfs":
            return f"hfs://{tmp_path_factory.mktemp('uploads')}/data"
        found: str = request.getfixturevalue(request.param).url()
        return found

    @pytest.fixture(scope="class")
    @classmethod
    def site(cls, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
        temporary = tmp_path_factory.mktemp("temporary")
        server = Gunicorn(f"{cls.page}:make({url!r})")
        server.environment = {"TMPDIR": str(temporary)}  # type: ignore[misc] # its own
        server.begin()
        try:
            server.wait()
            site = Site(server, url, temporary)
            site.sends(1)  # what is imported late is no growth
            yield site
        finally:
            server.stop()

    @pytest.fixture
    def store(self, site: Site) -> Iterator[KeyValueStore]:
        with get_store_from_url(site.url) as store:
            store.delete_prefix("")
            yield store
            store.delete_prefix("")

    @pytest.fixture
    def arrives(self, site: Site, store: KeyValueStore) -> Callable[[int], None]:
        return lambda mib: _check_arrival(mib, site, store)

    def test_a_large_file_arrives_in_bounded_memory_without_a_temporary_file(
        self, arrives: Callable[[int], None]
    ) -> None:
        arrives(64)

    @pytest.mark.stress
    # The server for Google takes time and memory that grow with the square of the size.
    @pytest.mark.parametrize("url", STORES[:-1], indirect=True)
    def test_a_huge_file_arrives_in_bounded_memory_without_a_temporary_file(
        self, arrives: Callable[[int], None]
    ) -> None:
        arrives(512)

    def test_the_sender_of_what_is_refused_sees_why(
        self, site: Site, store: KeyValueStore
    ) -> None:
        status, page = site.sends(8, "images")

        assert (status, "v.bin" in page) == (415, True)
        assert store.keys() == []

    def test_a_sender_that_goes_away_leaves_nothing(
        self, site: Site, store: KeyValueStore
    ) -> None:
        site.breaks_off(begin_of_form(), Content_Length=str(64 * _MIB))

        check_nothing_is_left(site, store)


def begin_of_form() -> list[bytes]:
    """Return what arrives of a form whose sender goes away."""
    return list(islice(pieces_of_form(64), 18))


def check_nothing_is_left(site: Site, store: KeyValueStore) -> None:
    """Fail if something was stored of a request whose sender has gone."""
    # There is one worker: it answers when it has done with the other.
    assert site.sends(1, "images")[0] == 415
    assert store.keys() == []
    assert "Traceback" not in site.server.log()


def _check_arrival(mib: int, site: Site, store: KeyValueStore) -> None:
    size = mib * _MIB
    with site.bounded(size if site.url.startswith("hfs") else 0):
        status, answer = site.sends(mib)
    assert (status, answer["form"]) == (200, {"title": "mine"})
    key, told_size = answer["files"]["video"]
    assert told_size == size
    with store.stream(key)[1] as source:
        assert digest_of(iter(lambda: source.read(_MIB), b"")) == digest_of(
            pieces_of_file(mib)
        )
    assert site.shows_end(key, _END_BYTES) == (206, _PIECE[-_END_BYTES:])
