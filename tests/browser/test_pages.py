"""Every page of the example site: readable, named, reachable, on a phone and a desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import payload, send, sign_in
from tests.example_site.pictures import PNG
from tests.example_site.running import Site

HERE: Final = Path(__file__).parent
AUDIT: Final = (HERE / "audit.js").read_text()
FOCUS: Final = (HERE / "focus.js").read_text()

VISITOR: Final = "W" * 40
WIDTHS: Final = (320, 390, 1280)
PAGES: Final = (
    "/",
    "/photos",
    "/private",
    "/sessions",
    "/store",
    "/store?prefix=photos/&page=2",
    "/django/",
    "/django/cache",
    "/django/static-files",
    "/django/admin/",
    "/django/admin/example_site/photo/",
    "/django/admin/example_site/photo/add/",
    "/nowhere",
    "/django/nowhere",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site("memory://", tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: Site) -> Iterator[Page]:
    """Return a browser in which somebody of a long name has done a lot."""
    with browser.new_context(base_url=site.url) as context:
        page = context.new_page()
        sign_in(page, VISITOR)
        send(page, payload(f"{'w' * 96}.png", PNG), payload("b.png", PNG))
        expect(page.get_by_role("status")).to_have_text("2 files are here.")
        page.goto("/private")
        page.get_by_label("A private file").set_input_files(payload("n.txt", b"notes"))
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("status")).to_contain_text("Your file is kept.")
        page.goto("/django/cache")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("status").first).to_contain_text("the answer took")
        yield page


@pytest.fixture(scope="module")
def stranger(browser: Browser, site: Site) -> Iterator[Page]:
    with browser.new_context(base_url=site.url) as context:
        yield context.new_page()


def assert_good(page: Page, path: str, site: Site) -> None:
    """Look at a page in all sizes and colours, and go through it with the keyboard."""
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    page.wait_for_load_state()
    # A page that changes while it is looked at would be another one each time.
    page.get_by_label("Show changes as they happen").evaluate_all(
        "boxes => boxes.forEach(box => box.checked = false)"
    )
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert page.evaluate(AUDIT) == [], (path, width, scheme)
    assert_reachable(page)
    assert [url for url in asked if not url.startswith(site.url)] == []
    if path.endswith("/nowhere"):
        said = [text for text in said if "status of 404" not in text]
    assert said == []


def assert_reachable(page: Page) -> None:
    for _ in range(page.evaluate(FOCUS) + 2):
        page.keyboard.press("Tab")
    assert page.evaluate("window.missed()") == []
    assert page.evaluate("window.unseen") == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_and_used_by_everybody(
    visitor: Page, site: Site, path: str
) -> None:
    assert_good(visitor, path, site)


@pytest.mark.parametrize("path", ["/", "/sessions", "/sign-in", "/django/sign-in"])
def test_a_page_for_strangers_can_be_read_and_used_by_everybody(
    stranger: Page, site: Site, path: str
) -> None:
    assert_good(stranger, path, site)


def test_nothing_of_that_goes_unnoticed(stranger: Page) -> None:
    stranger.goto("about:blank")  # which allows a style
    stranger.set_content(
        """<style>
          :focus-visible { outline: none }
          p { color: #888; background: #fff; width: 2000px }
        </style>
        <h1>One</h1> <h3>Three</h3> <h1>Two</h1> <p>Pale.</p>
        <img src="data:,"> <input> <a href="/"></a> <i id="x"></i> <i id="x"></i>
        <button aria-describedby="nothing">Go</button>"""
    )

    found = " ".join(stranger.evaluate(AUDIT))

    for wrong in (
        "contrast 3.54",
        "no label",
        "no alt",
        "no name",
        "no #nothing",
        "an id twice",
        "h1: 1,3,1",
        "headings: 1,3,1",
        "no lang",
        "no title",
        "wider than the screen",
    ):
        assert wrong in found
    with pytest.raises(AssertionError, match="<input>"):
        assert_reachable(stranger)
