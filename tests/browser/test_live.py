"""Pages of the example site that count, keep, and show what changes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from minimalkv import KeyValueStore, get_store_from_url
from tests.browser.visiting import sign_in
from tests.example_site.running import Site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    with Site(f"hfs://{folder}/data", folder) as site:
        yield site


@pytest.fixture
def store(folder: Path) -> Iterator[KeyValueStore]:
    with get_store_from_url(f"hfs://{folder}/data") as store:
        yield store


def test_the_way_in_and_a_count_in_both_frameworks_need_no_mouse(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.goto("/sign-in")
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()

    page.get_by_role("link", name="Sessions").press("Enter")
    for count, side in enumerate(("Flask", "Django", "Flask"), start=1):
        button = page.get_by_role("button", name=f"Count in {side}")
        button.press("Enter")
        expect(page.get_by_role("status")).to_contain_text(f"{side} has counted")
        expect(page.get_by_role("main")).to_contain_text(f"counted to {count}.")
        expect(page.get_by_role("navigation").locator("[aria-current]")).to_have_text(
            "Sessions"
        )
        page.get_by_role("link", name="Go on in").press("Enter")


def test_an_answer_is_computed_once_and_a_click_is_counted(page: Page) -> None:
    sign_in(page, "Ada")
    page.get_by_role("link", name="Cache").click()
    page.get_by_role("button", name="Clear the cache").click()
    found, clicks = page.locator("#found"), page.locator("#clicks")
    expect(found).to_contain_text("Not in the cache.")

    page.get_by_role("button", name="Ask").click()
    expect(found).to_contain_text("17,984")
    told = re.findall(r"Counted in \d+ ms", found.inner_text())
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status").first).to_contain_text("17984 primes")
    assert re.findall(r"Counted in \d+ ms", found.inner_text()) == told != []
    for count in (1, 2):
        page.get_by_role("button", name="Click").click()
        expect(clicks).to_contain_text(str(count))
    page.get_by_role("button", name="Clear the cache").click()

    expect(page.get_by_role("status").first).to_contain_text("The cache is empty.")
    expect(found).to_contain_text("Not in the cache.")
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()


def test_the_page_of_the_store_shows_what_changes_without_being_loaded_again(
    page: Page, store: KeyValueStore
) -> None:
    sign_in(page, "Ada")
    page.get_by_role("link", name="Store").click()
    field = page.get_by_label("Keys that begin with")
    field.fill("mine")
    field.press("Enter")
    expect(page.get_by_role("table")).to_contain_text("Nothing here.")
    page.evaluate("window.isTheSame = true")
    field.focus()

    store.put("mine.txt", b"12345")
    row = page.get_by_role("row", name="mine.txt")
    expect(row).to_contain_text("5 Bytes")
    expect(row).to_contain_text("text/plain")
    expect(row).to_contain_text("for ever")
    store.delete("mine.txt")
    expect(row).to_have_count(0)

    assert page.evaluate("window.isTheSame")
    expect(field).to_be_focused()


def test_who_was_signed_out_elsewhere_is_shown_no_more(
    page: Page, browser: Browser, site: Site
) -> None:
    sign_in(page, "Bob")
    page.get_by_role("link", name="Store").click()
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        sign_in(other, "Bob")
        other.goto("/django/")
        other.get_by_role("button", name="Sign out everywhere").click()

    expect(page.get_by_label("Your name")).to_be_visible()


def test_the_page_of_the_store_needs_no_script(
    browser: Browser, site: Site, store: KeyValueStore
) -> None:
    store.put_many({f"many/{number}": b"" for number in range(25)})
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, "Ada")
        page.get_by_role("link", name="Store").click()
        expect(page.get_by_label("Show changes as they happen")).to_be_hidden()
        page.get_by_label("Keys that begin with").fill("many/")
        page.get_by_role("button", name="Filter").click()

        rows = page.locator("tbody tr")
        expect(rows).to_have_count(20)
        page.get_by_role("link", name="More keys").click()
        expect(rows).to_have_count(5)
        expect(page.get_by_role("table")).to_contain_text("Page 2 of the keys")
        page.get_by_role("link", name="Back").click()
        expect(rows).to_have_count(20)


def test_static_files_are_collected_into_the_store_once(
    page: Page, store: KeyValueStore
) -> None:
    loaded: list[str] = []
    page.on("response", lambda found: loaded.append(f"{found.status} {found.url}"))
    sign_in(page, "Ada")
    page.get_by_role("link", name="Static files").click()
    page.get_by_role("button", name="Collect").click()
    expect(page.get_by_role("status")).not_to_contain_text("unmodified")
    page.get_by_role("button", name="Collect").click()
    expect(page.get_by_role("status")).to_contain_text("0 static files copied")

    page.get_by_role("main").get_by_role("link", name="the admin").click()
    expect(page.get_by_role("heading", name="Photos in the store")).to_be_visible()

    (style,) = (url for url in loaded if re.search(r"css/base\.\w{12}\.css$", url))
    assert style.startswith("200 ")
    assert f"static/{style.partition('/static/')[2]}" in store
