"""Private files, and the links that lead to them."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import (
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
