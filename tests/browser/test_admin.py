"""The photos in Django's admin."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from minimalkv import get_store_from_url
from tests.browser.visiting import (
    expect_photo,
    expect_sign_in,
    on_folder_and_s3,
    payload,
    sign_in,
    upload,
)
from tests.example_site.pictures import JPEG, PNG
from tests.example_site.running import Site
from tests.waiting import wait_until

PHOTOS = "/django/admin/example_site/photo/"
ADD = f"{PHOTOS}add/"


def save(page: Page, name: str, content: bytes) -> None:
    page.goto(ADD)
    page.get_by_label("Image").set_input_files(payload(name, content))
    page.get_by_role("button", name="Save", exact=True).click()


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


@on_folder_and_s3
def test_a_photo_of_the_admin_is_in_the_gallery_and_the_other_way_round(
    page: Page, store_url: str
) -> None:
    sign_in(page, "Ada")
    upload(page, "by Flask.png", PNG)
    expect_photo(page, "by Flask.png", "Ada")

    save(page, "by Django.png", PNG)

    told = page.get_by_role("list").filter(has_text="was added successfully")
    expect(told).to_contain_text("by Django.png")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("by Django.png")
    expect(rows(page).first.locator("img")).to_have_js_property("naturalWidth", 64)
    rows(page).get_by_role("link", name="by Django.png").click()
    link = page.locator(".field-image a").get_attribute("href")
    assert page.request.get(str(link)).body() == PNG
    page.goto("/photos")
    expect_photo(page, "by Django.png", "Ada")
    expect_photo(page, "by Flask.png", "Ada")
    link = page.get_by_role("link", name="by Django.png").get_attribute("href")
    assert page.request.get(str(link)).body() == PNG
    with get_store_from_url(store_url) as store:
        assert len(store.keys("photos/")) == 2


def test_who_sent_a_photo_may_delete_it_and_nobody_else(
    page: Page, browser: Browser, site: Site, store_url: str
) -> None:
    sign_in(page, "Ada")
    save(page, "a.png", PNG)
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        sign_in(other, "Bob")
        other.goto(PHOTOS)
        rows(other).get_by_role("link", name="a.png").click()
        expect(other.get_by_role("link", name="Close")).to_be_visible()
        expect(other.get_by_role("link", name="Delete")).to_have_count(0)
        refused = other.goto(other.url.replace("/change/", "/delete/"))
        assert refused is not None
        assert refused.status == 403

    rows(page).get_by_role("link", name="a.png").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes").click()

    expect(page.get_by_text("was deleted successfully")).to_be_visible()
    page.goto("/photos")
    expect(page.locator("figure")).to_have_count(0)
    with get_store_from_url(store_url) as store:
        assert [key for key in store if not key.startswith("mkv-")] == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.png", b"no picture", "Upload a valid image."),
        ("a.jpg", JPEG[:-100], "has no picture that can be shown"),
        ("a.txt", PNG, "File extension “txt” is not allowed."),
    ],
)
def test_what_is_no_photo_is_told_in_the_form(
    page: Page, store_url: str, name: str, content: bytes, told: str
) -> None:
    sign_in(page, "Ada")

    save(page, name, content)

    expect(page.locator(".errorlist li")).to_contain_text(told)
    with get_store_from_url(store_url) as store:
        # Django closes the files of a form after it has sent its answer.
        wait_until(lambda: store.keys("photos/") == [])


def test_a_photo_that_is_too_large_is_told_on_a_page(
    browser: Browser, site: Site, store_url: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(PNG.ljust(21 * 2**20, b"\0"))
    with browser.new_context(base_url=site.url) as context:
        page = context.new_page()
        sign_in(page, "Ada")
        page.goto(ADD)

        page.get_by_label("Image").set_input_files(large)
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_role("heading", name="Not taken")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text("The request is larger than")
    with get_store_from_url(store_url) as store:
        assert store.keys("photos/") == []


def test_the_door_of_the_admin_is_that_of_the_site(page: Page) -> None:
    for path in ("/django/admin/", PHOTOS, ADD):
        page.goto(path)
        expect_sign_in(page)
    sign_in(page, "Ada")
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("link", name="Photos").first).to_be_visible()

    page.get_by_role("button", name="Log out").click()

    expect_sign_in(page)
    page.goto("/photos")
    expect_sign_in(page)


def test_the_table_agrees_with_another_store(
    page: Page, site: Site, store_url: str
) -> None:
    sign_in(page, "Ada")
    save(page, "a.png", PNG)
    expect(rows(page)).to_have_count(1)
    with get_store_from_url(store_url) as store:
        store.delete_prefix("upload-")

    page.goto(PHOTOS)

    expect(rows(page)).to_have_count(0)
    assert (site.folder / "instance" / "photos.sqlite3").exists()
