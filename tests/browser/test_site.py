"""The example site as a visitor sees it."""

from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    Error,
    Page,
    expect,
)

from minimalkv import StoreURL, get_store_from_url
from tests.browser.visiting import (
    SIDE,
    expect_photo,
    expect_sign_in,
    on_every_store,
    on_folder_and_s3,
    on_redis_and_s3,
    send,
    sign_in,
    upload,
)
from tests.example_site.pictures import PNG
from tests.example_site.running import Site
from tests.proxy import Cut, Proxy, Refuse


@on_every_store
def test_visitor_and_photo_survive_a_restart_of_the_site(
    page: Page, site: Site, store_url: str
) -> None:
    sign_in(page, "Ada")
    expect(page.locator("footer")).to_contain_text(str(StoreURL(store_url)))
    upload(page, "gradient.png", PNG)
    expect(page.get_by_role("status")).to_have_text("Your photo is here.")
    expect_photo(page, "gradient.png", "Ada")

    # Without a page nothing is on its way, such as its icon, of which the browser would
    # complain when it breaks off.
    page.wait_for_load_state()
    page.goto("about:blank")
    site.stop()
    site.start()
    page.goto(f"{site.url}/photos")

    expect(page.get_by_text("Signed in as Ada")).to_be_visible()
    expect_photo(page, "gradient.png", "Ada")

    page.get_by_role("button", name="Sign out").click()
    expect_sign_in(page)
    page.go_back()
    page.reload()
    expect_sign_in(page)
    page.goto(f"{site.url}/photos")
    expect_sign_in(page)


@on_folder_and_s3
def test_two_visitors_see_each_others_photos(
    page: Page, browser: Browser, site: Site
) -> None:
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        sign_in(page, "Ada")
        sign_in(other, "Bob <b>")
        upload(page, "a.png", PNG)
        expect_photo(page, "a.png", "Ada")
        upload(other, "b & c.png", PNG)

        expect_photo(other, "a.png", "Ada")
        page.reload()
        expect_photo(page, "b & c.png", "Bob <b>")
        expect(page.get_by_text("Signed in as Ada")).to_be_visible()


@on_folder_and_s3
def test_both_frameworks_know_a_visitor_until_she_signs_out_everywhere(
    page: Page, browser: Browser, site: Site
) -> None:
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        sign_in(page, "Ada")
        page.get_by_role("link", name="Signed in as Ada").click()
        expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()

        other.goto("/django/")
        expect_sign_in(other)
        other.get_by_label("Your name").fill("Ada")
        other.get_by_role("button", name="Sign in").click()
        expect(other.get_by_role("heading", name="Hello, Ada")).to_be_visible()
        expect(other.get_by_role("listitem")).to_have_count(2)
        expect(other.get_by_role("listitem").first).to_contain_text("This browser")
        other.get_by_role("link", name="the photos").click()
        expect(other.get_by_role("heading", name="Photos")).to_be_visible()

        page.get_by_role("button", name="Sign out everywhere").click()
        expect_sign_in(page)
        other.reload()
        expect_sign_in(other)
        other.goto("/django/")
        expect_sign_in(other)


@on_folder_and_s3
def test_a_file_that_is_no_photo_is_refused_with_a_message(
    page: Page, store_url: str
) -> None:
    sign_in(page, "Ada")

    upload(page, "holiday.png", b"<script>alert(1)</script>")

    expect(page.get_by_role("alert")).to_contain_text("is text/html by its content")
    expect(page.locator("figure")).to_have_count(0)
    with get_store_from_url(store_url) as store:
        assert store.keys("photos/") == store.keys("upload-") == []


def test_a_photo_that_is_too_large_is_refused_with_a_message(
    page: Page, tmp_path: Path
) -> None:
    sign_in(page, "Ada")
    large = tmp_path / "large.png"
    large.write_bytes(PNG + bytes(25 * 2**20))

    send(page, large)

    expect(page.get_by_role("alert")).to_have_text("“large.png” is larger than 20 MiB.")


@on_redis_and_s3
def test_an_outage_of_the_store_is_told_in_words_and_ends(
    proxy: Proxy, site_behind_proxy: Site, browser: Browser
) -> None:
    with browser.new_context(base_url=site_behind_proxy.url) as context:
        page = context.new_page()
        sign_in(page, "Ada")
        upload(page, "before.png", PNG)
        expect_photo(page, "before.png", "Ada")

        proxy.fault = Refuse()
        upload(page, "meanwhile.png", PNG)
        expect_outage(page, "look at the photos before you send it again.")
        found = page.goto("/photos")
        assert found is not None
        assert found.status == 503
        expect_outage(page, "Please try again in a while.")
        page.goto("/django/")
        expect_outage(page, "Please try again in a while.")

        proxy.fault = None
        page.get_by_role("link", name="Back to the front page").click()
        expect(page.get_by_text("Signed in as Ada")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Photos").click()
        expect_photo(page, "before.png", "Ada")
        upload(page, "after.png", PNG)
        expect_photo(page, "after.png", "Ada")
    log = site_behind_proxy.log()
    assert log.count("the store failed: ") == 3
    assert log.count("Internal Server Error: /django/: No session can be used: ") == 1
    assert "Traceback" not in log


def expect_outage(page: Page, advice: str) -> None:
    expect(page.get_by_role("heading", name="Just a moment")).to_be_visible()
    told = page.get_by_role("main")
    expect(told).to_contain_text("The store of this site does not answer.")
    expect(told).to_contain_text(advice)


@pytest.mark.parametrize("server", ["s3_server"], indirect=True)
def test_a_photo_that_breaks_off_on_its_way_is_an_error_to_the_browser(
    proxy: Proxy, site_behind_proxy: Site, browser: Browser
) -> None:
    with browser.new_context(base_url=site_behind_proxy.url) as context:
        page = context.new_page()
        sign_in(page, "Ada")
        content = PNG.ljust(2**20, b"\0")
        upload(page, "a.png", content)
        expect_photo(page, "a.png", "Ada")
        path = str(page.get_by_role("link", name="a.png").get_attribute("href"))

        proxy.fault = Cut(after=2**19)
        with pytest.raises(Error, match="aborted"):
            page.request.get(path)
        proxy.fault = None
        assert page.request.get(path).body() == content
    log = site_behind_proxy.log()
    assert log.count("the store failed: ") == 1
    assert "Traceback" not in log


def test_a_photo_that_is_opened_alone_fits_the_window(page: Page) -> None:
    sign_in(page, "Ada")
    upload(page, "a.png", PNG)
    expect_photo(page, "a.png", "Ada")

    page.get_by_role("link", name="a.png").click()
    image = page.get_by_role("img")
    expect(image).to_have_js_property("naturalWidth", SIDE)
    page.set_viewport_size({"width": SIDE // 2, "height": SIDE})

    expect(image).to_have_js_property("width", SIDE // 2)
