"""A real browser, and the example site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.backends.base import StoreServer
from tests.example_site.running import Site
from tests.proxy import Proxy
from tools.browser import on_path

FOLDER = "folder"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Without one on PATH it is Playwright's own; without that it is a failure.
    path = on_path()
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=FLAGS) as found,
    ):
        yield found


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store: a folder, or on the server of the parameter."""
    name = getattr(request, "param", FOLDER)
    if name == FOLDER:
        return f"hfs://{tmp_path}/data"
    url: str = request.getfixturevalue(name).url()
    return url


@pytest.fixture
def site(store_url: str, tmp_path: Path) -> Iterator[Site]:
    with Site(store_url, tmp_path) as site:
        yield site


@pytest.fixture
def proxy(server: StoreServer) -> Iterator[Proxy]:
    with Proxy(server.port, settle_secs=0) as proxy:
        yield proxy


@pytest.fixture
def site_behind_proxy(
    server: StoreServer,
    proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    # Of Google Cloud Storage the URL names no host.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{server.host}:{proxy.port}")
    with Site(server.through(server.url(), proxy.port), tmp_path) as site:
        yield site


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=site.url) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Return a page of which nothing may complain in the console."""
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
