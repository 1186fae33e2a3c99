"""A long video that seeks."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import FOLDER
from tests.browser.films import SECS, film, shade
from tests.browser.visiting import send, sign_in

SEEK = """(video, second) => new Promise((resolve, reject) => {
    video.addEventListener("error", () => reject(video.error.message));
    video.addEventListener("seeked", () => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1;
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0, 1, 1);
        resolve([video.currentTime, context.getImageData(0, 0, 1, 1).data[0]]);
    });
    video.currentTime = second;
})"""


@pytest.mark.parametrize("store_url", [FOLDER, "s3_server"], indirect=True)
def test_a_long_video_seeks_to_what_was_not_loaded(page: Page, tmp_path: Path) -> None:
    content = film()
    file = tmp_path / "film.webm"
    file.write_bytes(content)
    parts: list[tuple[int, int]] = []
    page.on("response", lambda response: parts.extend(part_of(response)))
    sign_in(page, "Ada")

    send(page, file)
    expect(page.get_by_role("status")).to_have_text("Your video is here.")
    video = page.locator("video")
    expect(video).to_have_js_property("duration", SECS)
    assert all(begin < len(content) / 10 for begin, _ in parts)
    second, light = video.evaluate(SEEK, SECS - 30)

    assert second == SECS - 30
    assert light == pytest.approx((shade(9) + 128) / 2, abs=10)
    begins = [begin for begin, size in parts if size == len(content)]
    assert any(begin > len(content) * 0.9 for begin in begins), parts


def part_of(response: Response) -> list[tuple[int, int]]:
    """Return where the part begins that a response has, and the size of the whole."""
    told = response.headers.get("content-range", "")
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", told)
    return [(int(match[1]), int(match[2]))] if match else []
