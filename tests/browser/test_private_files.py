"""Private files, and the links that lead to them."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import (
    assert_no_sideways_scroll,
    contrast,
    on_folder_and_s3,
    payload,
    sign_in,
)
from tests.example_site.running import Site


def keep(page: Page, name: str) -> None:
    page.get_by_role("link", name="Private files").click()
    notes = payload(name, b"Buy milk.", "text/plain")
    page.get_by_label("A private file").set_input_files(notes)
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status")).to_contain_text("Your file is kept.")


@on_folder_and_s3
def test_a_stranger_reads_a_private_file_by_its_link(
    page: Page, browser: Browser, site: Site
) -> None:
    sign_in(page, "Ada")
    keep(page, "notes.txt")
    link = page.get_by_label("notes.txt", exact=True).input_value()

    with browser.new_context(base_url=site.url) as elsewhere:
        stranger = elsewhere.new_page()
        stranger.goto(link)
        expect(stranger.locator("body")).to_have_text("Buy milk.")
        stranger.goto("/private")
        expect(stranger.get_by_label("Your name")).to_be_visible()


def test_a_link_is_of_no_use_after_its_file_was_deleted(page: Page) -> None:
    sign_in(page, "Ada")
    keep(page, "notes.txt")
    link = page.get_by_label("notes.txt", exact=True).input_value()

    page.get_by_role("button", name="Delete notes.txt").click()

    expect(page.get_by_role("status")).to_contain_text("The file is gone")
    assert page.request.get(link).status == 404


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_private_files_fit_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    sign_in(page, "W" * 40)

    keep(page, f"{'w' * 96}.txt")

    assert_no_sideways_scroll(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_about_private_files_is_easy_to_read(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, "Ada")
    keep(page, "notes.txt")
    page.wait_for_load_state()

    for selector in (".pages a", "main .quiet", ".hint", ".hint a", "input[readonly]"):
        assert contrast(page, selector) >= 4.5, selector
