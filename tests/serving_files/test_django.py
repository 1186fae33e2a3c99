"""What is said and done otherwise in Django: other servers, other middleware."""

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import Http404
from django.test import AsyncClient, RequestFactory
from django.urls import path
from pytest_django import Settings
from werkzeug.test import Client

from minimalkv._contract.tools import sample
from minimalkv_django import stores
from minimalkv_django.views import serve
from tests.lending import LendingDecorator
from tests.serving_files.sites import django_site

# Before 5.0, Django does not notice that a client goes, and sends everything.
WATCHES = django.VERSION >= (5, 0)

KEY = "film.mp4"
VALUE = sample(2_000_003)

urlpatterns = [
    path("files/<path:key>", serve),
    path("saved/<path:key>", serve, {"store": "default", "as_attachment": True}),
]


@pytest.fixture(autouse=True)
def project(settings: Settings) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MINIMALKV_URL = "hmemory://"
    stores["uploads"].put(KEY, VALUE)
    yield
    stores.reset()


def test_a_pattern_says_which_store_and_how() -> None:
    client = Client(django_site())

    for folder, kind in (("files", "inline"), ("saved", "attachment")):
        response = client.get(f"/{folder}/{KEY}", buffered=True)
        assert (response.status_code, response.data) == (200, VALUE)
        assert response.headers["Content-Disposition"].startswith(kind)


def test_a_missing_file_is_an_exception_for_whoever_calls_the_view() -> None:
    for key in ("missing", "../film.mp4", "mkv-session-0"):
        with pytest.raises(Http404):
            serve(RequestFactory().get("/"), key)


def test_a_file_is_sent_piece_by_piece_under_asgi() -> None:
    sizes: list[int] = []

    async def visit(**headers: str) -> bytes:
        # A warning of Django, which would read all of it first, fails the test.
        response: Any = await AsyncClient().get(f"/files/{KEY}", headers=headers)
        parts = [part async for part in response]
        sizes.extend(map(len, parts))
        response.close()
        return b"".join(parts)

    assert asyncio.run(visit()) == VALUE
    assert max(sizes) <= 256 * 1024
    assert asyncio.run(visit(range="bytes=5-1000000")) == VALUE[5:1_000_001]


def test_a_file_is_closed_under_asgi_when_the_client_goes(settings: Settings) -> None:
    lent = LendingDecorator(stores["uploads"])
    settings.MINIMALKV_STORES = {"uploads": lent}
    scope = {"type": "http", "method": "GET", "path": f"/files/{KEY}", "headers": []}

    async def visit() -> int:
        coming = asyncio.Event()
        coming.set()
        sent = 0

        async def receive() -> dict[str, Any]:
            await coming.wait()
            coming.clear()
            return {"type": "http.disconnect" if sent else "http.request", "body": b""}

        async def send(message: dict[str, Any]) -> None:
            nonlocal sent
            sent += len(message.get("body", b""))
            if sent and WATCHES:
                coming.set()
                await asyncio.Event().wait()  # as for a client that takes no more

        await ASGIHandler()(scope, receive, send)  # type: ignore[arg-type] # narrower than ASGI
        return sent

    sent = asyncio.run(visit())
    assert (sent < len(VALUE)) == WATCHES
    assert [body.closed for body in lent.bodies] == [True]


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=1000-2000"}])
def test_what_is_sent_is_not_compressed_again(
    settings: Settings, asked: dict[str, str]
) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]

    response = Client(django_site()).get(
        f"/files/{KEY}", headers={"Accept-Encoding": "gzip", **asked}, buffered=True
    )

    assert "Content-Encoding" not in response.headers
    assert response.data == (VALUE[1000:2001] if asked else VALUE)
    assert response.headers["Content-Length"] == str(len(response.data))


def test_a_middleware_may_put_something_in_the_place_of_the_file(
    settings: Settings,
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.compress"]

    response = Client(django_site()).get(f"/files/{KEY}", buffered=True)

    assert gzip.decompress(response.data) == VALUE


def compress(get_response: Any) -> Any:
    def compressed(request: Any) -> Any:
        response = get_response(request)
        data = b"".join(response.streaming_content)
        response.streaming_content = [gzip.compress(data)]
        del response["Content-Length"]
        return response

    return compressed
