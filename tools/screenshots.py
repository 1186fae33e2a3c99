"""Take the pictures of the example site, for README: ``docs/images/site*.png``."""

import colorsys
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.example_site.running import Site
from tools.browser import find

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
SIZE: Final = (1280, 860)
COLOURS: Final = 256  # a picture of a page needs no more, and is a third of the size

_NAMES: Final = (
    "dawn",
    "harbour",
    "dunes",
    "island",
    "heath",
    "glacier",
    "dusk",
    "bay",
)


def landscape(number: int) -> bytes:
    """Return a picture of hills under a sky, another one for each number."""
    width, height = 640, 480
    hue = number / len(_NAMES)
    picture = Image.new("RGB", (width, height), colour(hue, 0.25, 0.97))
    draw = ImageDraw.Draw(picture)
    x, y = 120 + 53 * number % 400, 90 + 31 * number % 90
    draw.ellipse((x, y, x + 80, y + 80), fill=colour(hue + 0.1, 0.15, 1))
    for depth in range(4):
        top, wide = 200 + 65 * depth, 150 + 37 * ((number + depth) % 4)
        for left in range(-wide, width, wide):
            peak = top - 30 - (left * (number + 3) * (depth + 2)) % 90
            hill = ((left, height), (left + wide, peak), (left + 2 * wide, height))
            draw.polygon(
                hill, fill=colour(hue + 0.04 * depth, 0.5, 0.85 - 0.18 * depth)
            )
    data = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).save(data, "JPEG")
    return data.getvalue()


def colour(hue: float, saturation: float, value: float) -> tuple[int, ...]:
    """Return a colour for Pillow."""
    parts = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return tuple(round(255 * part) for part in parts)


def fill(page: Page) -> None:
    """Sign in, and send some photos."""
    page.goto("/sign-in")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Sign in").click()
    files = [
        FilePayload(name=f"{name}.jpg", mimeType="image/jpeg", buffer=landscape(number))
        for number, name in enumerate(_NAMES)
    ]
    page.get_by_label("Add photos and videos").set_input_files(files)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("status").wait_for()


def take(page: Page, file: Path) -> None:
    """Take a picture of the photos, and make it small."""
    page.goto("/photos")
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot()))
    file.parent.mkdir(exist_ok=True)
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        file, optimize=True
    )
    print(f"{file.name}: {file.stat().st_size / 1024:.0f} KiB")


def take_all(browser: Browser, site: Site) -> None:
    """Take a light picture and a dark one."""
    width, height = SIZE
    page = browser.new_page(
        base_url=site.url, viewport={"width": width, "height": height}
    )
    fill(page)
    take(page, IMAGES / "site.png")
    page.emulate_media(color_scheme="dark")
    take(page, IMAGES / "site-dark.png")


def main() -> int:
    """Take the pictures, and return the exit code."""
    with (
        TemporaryDirectory() as folder,
        Site("memory://", Path(folder)) as site,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find(), args=FLAGS) as browser,
    ):
        take_all(browser, site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
