"""What a visitor does in a browser, and sees there."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import FOLDER
from tests.serving import SERVERS

SIDE: Final = 64
UPLOAD: Final = "Add photos and videos"

_OTHERS: Final = [
    pytest.param(server, marks=pytest.mark.stress)
    for server in SERVERS
    if server != "s3_server"
]

on_every_store = pytest.mark.parametrize("store_url", [FOLDER, *SERVERS], indirect=True)
# What a store has no part in: on the others in `make stress`.
on_folder_and_s3 = pytest.mark.parametrize(
    "store_url", [FOLDER, "s3_server", *_OTHERS], indirect=True
)


def sign_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Photos")).to_be_visible()


def payload(name: str, content: bytes, kind: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def upload(page: Page, name: str, content: bytes) -> None:
    send(page, payload(name, content))


def send(page: Page, *files: FilePayload | Path) -> None:
    page.get_by_label(UPLOAD).set_input_files([*files])  # type: ignore[arg-type] # one kind
    page.get_by_role("button", name="Upload").click()


def expect_photo(page: Page, name: str, uploader: str) -> None:
    photo = page.get_by_role("img", name=f"{name}, uploaded by {uploader}")
    expect(photo).to_have_js_property("complete", True)
    expect(photo).to_have_js_property("naturalWidth", SIDE)
    expect(photo).to_have_js_property("naturalHeight", SIDE)


def expect_sign_in(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/sign-in$"))
    expect(page.get_by_label("Your name")).to_be_visible()


def assert_no_sideways_scroll(page: Page) -> None:
    page.wait_for_load_state()  # before that there may be no style
    wide, seen = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= seen


def contrast(page: Page, selector: str) -> float:
    """Return the contrast of a text with what is behind it, as WCAG 2.2 counts it."""
    colours = page.locator(selector).first.evaluate(
        """element => {
            const text = getComputedStyle(element).color;
            let behind = "rgba(0, 0, 0, 0)";
            for (let at = element; at && behind === "rgba(0, 0, 0, 0)";
                 at = at.parentElement)
                behind = getComputedStyle(at).backgroundColor;
            return [text, behind];
        }"""
    )
    darker, lighter = sorted(map(luminance, colours))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
