"""Large files that are sent to a server of Flask."""

import json
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

import pytest

from minimalkv import KeyValueStore
from tests.backends.process import HOST
from tests.files.under_gunicorn import (
    LargeUploads,
    Site,
    begin_of_form,
    check_nothing_is_left,
    digest_of,
    pieces_of_file,
)

_MIB: Final = 2**20
_FILM: Final = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


def film(mib: int) -> list[bytes]:
    first, *others = pieces_of_file(mib)
    return [_FILM + first[len(_FILM) :], *others]


def ask(
    site: Site, method: str, path: str, body: Iterable[bytes] = (), **headers: str
) -> tuple[int, Any]:
    with closing(HTTPConnection(HOST, site.server.port, timeout=100)) as connection:
        named = {name.replace("_", "-"): said for name, said in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response.status, response.read().decode()


def announced(site: Site) -> str:
    """Return where a film may be sent."""
    return str(json.loads(ask(site, "GET", "/announce")[1])["url"])


class TestUploads(LargeUploads):
    page = "tests.flask.upload_page"

    def test_a_sender_of_chunks_that_goes_away_leaves_nothing(
        self, site: Site, store: KeyValueStore
    ) -> None:
        site.breaks_off(map(chunk, begin_of_form()), Transfer_Encoding="chunked")

        check_nothing_is_left(site, store)

    @pytest.mark.parametrize("url", ["hfs"], indirect=True)
    def test_a_file_without_a_form_arrives_in_bounded_memory(
        self, site: Site, store: KeyValueStore
    ) -> None:
        url, sent = announced(site), film(64)
        headers = {"Content_Type": "video/mp4", "Content_Length": str(64 * _MIB)}
        with site.bounded(64 * _MIB):
            assert ask(site, "PUT", url, sent, **headers) == (204, "")
        token = url.rpartition("/")[2]
        status, answer = ask(site, "GET", f"/attach?token={token}")
        assert status == 200
        found = json.loads(answer)
        assert (found["size"], found["sha256"]) == (64 * _MIB, digest_of(sent))
        assert store.keys() == [found["key"]]

    @pytest.mark.parametrize("url", ["hfs"], indirect=True)
    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_a_sender_of_a_file_that_goes_away_leaves_nothing(
        self, site: Site, store: KeyValueStore, is_chunked: bool
    ) -> None:
        url = announced(site)
        with closing(HTTPConnection(HOST, site.server.port, timeout=100)) as connection:
            connection.putrequest("PUT", url)
            connection.putheader("Content-Type", "video/mp4")
            if is_chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            else:
                connection.putheader("Content-Length", str(64 * _MIB))
            connection.endheaders()
            begin = film(9)
            connection.send(b"".join(map(chunk, begin) if is_chunked else begin))

        check_nothing_is_left(site, store)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
