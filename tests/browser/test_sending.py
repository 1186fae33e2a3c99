"""How files get from a browser into the store: with a script, and without."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from minimalkv import get_store_from_url
from tests.backends.s3 import S3Server
from tests.browser.conftest import FOLDER
from tests.browser.visiting import (
    expect_photo,
    expect_sign_in,
    on_folder_and_s3,
    payload,
    send,
    sign_in,
    upload,
)
from tests.example_site.pictures import JPEG, PNG
from tests.example_site.running import Site

# Tells the test what the bar shows, and whether it can be seen, as it moves.
WATCH = """addEventListener("DOMContentLoaded", () => {
    const bar = document.querySelector("progress");
    if (bar) new MutationObserver(() => told(bar.value, bar.checkVisibility()))
        .observe(bar, { attributes: true });
})"""

on_s3 = pytest.mark.parametrize("store_url", ["s3_server"], indirect=True)


@on_folder_and_s3
def test_several_files_at_once_move_the_progress_bar_and_are_there(page: Page) -> None:
    told: list[tuple[float, bool]] = []
    page.expose_function("told", lambda value, seen: told.append((value, seen)))
    page.add_init_script(WATCH)
    sign_in(page, "Ada")
    expect(page.get_by_role("progressbar")).to_be_hidden()

    large = PNG.ljust(8 * 2**20, b"\0")
    send(page, payload("a.png", large), payload("b.jpg", JPEG), payload("c.png", PNG))

    expect(page.get_by_role("status")).to_have_text("3 files are here.")
    for name in ("a.png", "b.jpg", "c.png"):
        expect_photo(page, name, "Ada")
    values = [value for value, _ in told]
    assert values == sorted(values)
    assert values[-1] == 1
    assert all(seen for _, seen in told)


@on_s3
def test_a_browser_sends_its_files_to_s3_itself(
    page: Page, site: Site, s3_server: S3Server
) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    sign_in(page, "Ada")

    send(page, payload("a.png", PNG), payload("b.png", PNG))

    expect(page.get_by_role("status")).to_have_text("2 files are here.")
    expect_photo(page, "a.png", "Ada")
    puts = [request for request in sent if request.method == "PUT"]
    assert [urlsplit(put.url).port for put in puts] == [s3_server.port] * 2
    assert all(put.headers["content-type"] == "image/png" for put in puts)
    posts = [r for r in sent if r.method == "POST" and r.url.startswith(site.url)]
    assert posts
    assert not any(PNG in (post.post_data_buffer or b"") for post in posts)


@pytest.fixture
def shut_bucket(s3_server: S3Server, store_url: str) -> Iterator[None]:
    """Let the bucket take files of pages of another site only."""
    rule = {"AllowedOrigins": ["https://example.org"], "AllowedMethods": ["PUT"]}
    bucket = s3_server.namespace(store_url)
    with s3_server.client() as client:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
        yield
        client.delete_bucket_cors(Bucket=bucket)


@on_s3
@pytest.mark.usefixtures("shut_bucket")
def test_where_the_bucket_lets_no_page_in_the_form_brings_the_files(
    browser: Browser, site: Site, store_url: str
) -> None:
    # Of what it must not do the browser complains, as nowhere else.
    with browser.new_context(base_url=site.url) as context:
        page = context.new_page()
        sign_in(page, "Ada")

        upload(page, "a.png", PNG)

        expect(page.get_by_role("status")).to_have_text("Your photo is here.")
        expect_photo(page, "a.png", "Ada")
    with get_store_from_url(store_url) as store:
        assert len(store.keys("photos/")) == 1


@pytest.mark.parametrize("store_url", [FOLDER, "s3_server"], indirect=True)
def test_without_a_script_the_form_does_the_same(browser: Browser, site: Site) -> None:
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, "Ada")

        send(page, payload("a.png", PNG), payload("b.jpg", JPEG))

        expect(page.get_by_role("status")).to_have_text("2 files are here.")
        expect_photo(page, "a.png", "Ada")
        expect_photo(page, "b.jpg", "Ada")

        send(page, payload("c.png", b"no photo"))
        expect(page.get_by_role("alert")).to_contain_text("'c.png' is text/plain.")


def test_some_files_are_refused_and_the_others_are_there(page: Page) -> None:
    sign_in(page, "Ada")

    send(page, payload("a.txt", b"text"), payload("b.png", PNG), payload("c.png", b"?"))

    expect(page.get_by_role("status")).to_have_text("Your photo is here.")
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(2)
    expect(alerts.first).to_contain_text("'a.txt' is text/plain.")
    expect(alerts.last).to_contain_text("'c.png' was announced as image/png")
    expect(page.locator("figure")).to_have_count(1)


def test_who_was_signed_out_meanwhile_is_asked_to_sign_in(
    page: Page, browser: Browser, site: Site
) -> None:
    sign_in(page, "Ada")
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        sign_in(other, "Ada")
        other.goto("/django/")
        other.get_by_role("button", name="Sign out everywhere").click()
        expect_sign_in(other)

    upload(page, "a.png", PNG)

    expect_sign_in(page)
    sign_in(page, "Ada")
    expect(page.locator("figure")).to_have_count(0)


def test_a_photo_can_be_sent_with_the_keyboard_alone(page: Page) -> None:
    sign_in(page, "Ada")
    field = page.get_by_label("Add photos and videos")
    field.set_input_files(payload("a.png", PNG))
    field.focus()

    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Upload")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Your photo is here.")
    expect(page).to_have_url(re.compile(r"/photos$"))
