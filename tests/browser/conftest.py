"""A real browser, and the example site as a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tools.browser import on_path

ROOT = Path(__file__).parents[2]
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
STOPS_IN_SECS = 30


class Site:
    """The site on one folder; it can be stopped and started again on one port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start the server and wait until it says where it is."""
        port = self.url.rpartition(":")[2] or "0"
        store = f"hfs://{self._folder}/data"
        options = ["--port", port, "--store", store, "--instance", str(self._folder)]
        command = [sys.executable, "-W", "error", "-m", "example_site", *options]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = re.fullmatch(r"Serving on (http://127\.0\.0\.1:\d+)\n", line)
        assert match, f"The site does not start: {line!r}"
        self.url = match[1]

    def stop(self) -> None:
        """Stop the server; it has to end by itself and without an error."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.terminate()
            assert process.wait(STOPS_IN_SECS) == 0


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
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.start()
    yield site
    site.stop()


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
