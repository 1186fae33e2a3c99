"""A real browser, and the example site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import CorsRule
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from minimalkv import get_store_from_url
from tests.backends.azure import AzureServer
from tests.backends.base import StoreServer
from tests.example_site.running import Site
from tests.proxy import Proxy
from tools.browser import on_path

FOLDER = "folder"

# A machine that has other things to do may take a while; what is there is seen at once.
expect.set_options(timeout=20_000)
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


# Not longer than a module: while Playwright runs, this thread has an event loop, in
# which Django refuses to use its database.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Without one on PATH it is Playwright's own; without that it is a failure.
    path = on_path()
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=FLAGS) as found,
    ):
        yield found


@pytest.fixture(scope="module", params=[FOLDER])
def store_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Return the URL of a store: a folder, or on the server of the parameter."""
    if request.param == FOLDER:
        return f"hfs://{tmp_path_factory.mktemp('store')}/data"
    server = request.getfixturevalue(request.param)
    let_browsers_in(server)
    url: str = server.url()
    return url


def let_browsers_in(server: StoreServer) -> None:
    """Allow pages of other origins to send files to a server that has to be told."""
    if isinstance(server, AzureServer):
        rule = CorsRule(["*"], ["PUT"], allowed_headers=["*"], max_age_in_seconds=60)
        with server.client() as client:
            client.set_service_properties(cors=[rule])


@pytest.fixture(scope="module")
def running(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(store_url, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(running: Site, store_url: str) -> Site:
    """Return the site as it is on an empty store; to start one takes seconds."""
    with get_store_from_url(store_url) as store:
        store.delete_prefix("")
    return running


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
    let_browsers_in(server)
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
