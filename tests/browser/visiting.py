"""What a visitor does in a browser, and sees there."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import FOLDER
from tests.serving import SERVERS

SIDE: Final = 64
UPLOAD: Final = "Add photos and videos"


def _quick(*names: str) -> list[Any]:
    """Return the servers, of which all but the named ones are for `make stress`."""
    stress = pytest.mark.stress
    return [
        name if name in names else pytest.param(name, marks=stress) for name in SERVERS
    ]


on_every_store = pytest.mark.parametrize("store_url", [FOLDER, *SERVERS], indirect=True)
# What a store has little part in: on the others in `make stress`.
on_folder_and_s3 = pytest.mark.parametrize(
    "store_url", [FOLDER, *_quick("s3_server")], indirect=True
)
on_redis_and_s3 = pytest.mark.parametrize(
    "server", _quick("redis_server", "s3_server"), indirect=True
)


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
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
