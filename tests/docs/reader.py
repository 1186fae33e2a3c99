"""Somebody who reads what to do in a browser, and does it."""

import re
from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page, expect

from tests.example_site.pictures import PNG

_ACTIONS: Final = re.compile(
    r"Open <(?P<open>[^>]+)>|(?P<reload>Reload)|(?P<click>Click the image)"
    r"|[Ww]rite `(?P<text>[^`]+)` under \*|`(?P<more>[^`]+)` under \*"
    r"|(?P<choose>choose an image|Choose an image)|press \*(?P<press>[^*]+)\*"
)
_LABEL: Final = re.compile(r"under \*([^*]+)\*")


def follow(page: Page, told: str, within_secs: float = 20) -> None:
    """Do what an item of a list says, and see what it says is seen."""
    doing, colon, seeing = told.rpartition(": ")
    assert colon, f"What is to be seen? {told}"
    actions = [*_ACTIONS.finditer(doing)]
    assert actions, f"What is to be done? {told}"
    for action in actions:
        kind = str(action.lastgroup)
        _DOES["text" if kind == "more" else kind](page, action)
    _see(page, seeing, within_secs * 1000)


def _write(page: Page, action: re.Match[str]) -> None:
    label = _LABEL.match(action.string, action.end() - len("under *"))
    assert label is not None
    page.get_by_label(label[1]).fill(action["text"] or action["more"])


def _choose(page: Page) -> None:
    file = {"name": "me.png", "mimeType": "image/png", "buffer": PNG}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]  # a payload


_DOES: Final[dict[str, Callable[[Page, re.Match[str]], object]]] = {
    "open": lambda page, action: page.goto(action["open"]),
    "reload": lambda page, action: page.reload(),
    "click": lambda page, action: page.locator("a img").click(),
    "text": _write,
    "choose": lambda page, action: _choose(page),
    "press": lambda page, action: page.get_by_role(
        "button", name=action["press"], exact=True
    ).click(),
}


def _see(page: Page, seeing: str, timeout: float) -> None:
    seen = 0
    for text in re.findall("`([^`]+)`", seeing):
        expect(page.locator("body")).to_contain_text(text, timeout=timeout)
        seen += 1
    if "the image" in seeing:
        image = page.locator("img").first
        expect(image).to_be_visible(timeout=timeout)
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)")
        seen += 1
    if "in another browser" in seeing:
        _see_elsewhere(page)
        seen += 1
    assert seen, f"What is to be seen? {seeing}"


def _see_elsewhere(page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    with browser.new_context() as other:
        assert other.request.get(page.url).body() == PNG
