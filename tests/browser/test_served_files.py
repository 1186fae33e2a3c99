"""What a browser makes of the files of others."""

import io
import struct
import wave
import zlib
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from minimalkv import get_store_from_url
from tests.backends.gunicorn import Gunicorn
from tests.backends.process import HOST
from tests.serving_files.sites import SITES

SCRIPT: Final = "window.top.acted = document.acted = true; document.title = 'acted';"
PAGE: Final = f"<script>{SCRIPT}</script>"
DRAWING: Final = (
    f"<svg xmlns='http://www.w3.org/2000/svg'><script>{SCRIPT}</script></svg>"
)

EMBEDDING: Final = """
<title>page</title>
<img src="/files/picture.png">
<script src="/files/evil.js"></script>
<script src="/files/evil.txt"></script>
<link rel="stylesheet" href="/files/evil.css">
<iframe src="/files/evil.html"></iframe>
<iframe src="/files/disguised.png"></iframe>
<object data="/files/evil.svg" type="image/svg+xml"></object>
<embed src="/files/evil.xhtml">
"""


def picture() -> bytes:
    """Return a red PNG of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_of = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sum_of

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\0\xff\0\0")
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def sound() -> bytes:
    """Return a second of silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8000)
        writer.writeframes(b"\x80" * 8000)
    return file.getvalue()


FILES: Final = {
    "picture.png": picture(),
    "sound.wav": sound(),
    "note.txt": f"{PAGE}note".encode(),
    "disguised.png": PAGE.encode(),
    "evil.js": SCRIPT.encode(),
    "evil.txt": SCRIPT.encode(),
    "evil.css": b"body { color: rgb(1, 2, 3) }",
    "evil.html": PAGE.encode(),
    "evil.xhtml": f"<html xmlns='http://www.w3.org/1999/xhtml'>{PAGE}</html>".encode(),
    "evil.svg": DRAWING.encode(),
}


@pytest.fixture(scope="module", params=SITES)
def origin(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the URL of a site that sends these files to everybody."""
    url = f"hfs://{tmp_path_factory.mktemp('files')}/data"
    with get_store_from_url(url) as store:
        store.put_many(FILES)
    site = f"tests.serving_files.page:make({request.param!r}, {url!r})"
    server = Gunicorn(site, "--threads=8")
    server.begin()
    try:
        server.wait()
        yield f"http://{HOST}:{server.port}"
    finally:
        server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        context.set_default_timeout(20_000)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def open_page(page: Page, origin: str, html: str) -> None:
    """Show a page of the site itself."""

    def answer(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html")

    page.route("**/page", answer)
    page.goto(f"{origin}/page")


def test_nothing_acts_in_a_page_that_embeds_it(page: Page, origin: str) -> None:
    open_page(page, origin, EMBEDDING)

    assert page.title() == "page"
    assert page.evaluate("[window.acted, document.acted]") == [None, None]
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.images[0].naturalWidth") == 1


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.xhtml", "evil.js"])
def test_what_could_act_is_saved(page: Page, origin: str, name: str) -> None:
    open_page(page, origin, "<title>page</title>")

    with page.expect_download() as download:
        # It never becomes the page, so there is nothing to wait for.
        page.evaluate("url => { location = url }", f"{origin}/files/{name}")

    assert download.value.suggested_filename == name
    assert page.title() == "page"


@pytest.mark.parametrize("name", ["picture.png", "sound.wav", "note.txt"])
def test_what_cannot_act_is_shown(page: Page, origin: str, name: str) -> None:
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))

    response = page.goto(f"{origin}/files/{name}", wait_until="load")

    assert response is not None
    assert response.status == 200
    assert page.url.endswith(name)
    assert page.title() != "acted"
    assert [url for url in refused if url.endswith(name)] == []
