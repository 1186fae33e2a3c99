"""Look whether each link of a built site leads somewhere, and nothing comes from afar.

``python tools/links.py FOLDER`` prints what is wrong and exits with 1 then. Other sites
are not asked: of a link to one only the form is looked at.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_FETCHED: Final = {"audio", "embed", "iframe", "img", "script", "source", "video"}
_IN_STYLES: Final = re.compile(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//[^\"')\s]+")
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+|localhost|127\.0\.0\.1")


class _Page(HTMLParser):
    """The anchors of a page, and where it leads, with whether that is fetched."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(value for n in ("id", "name") if (value := given.get(n)))
        fetched = tag in _FETCHED or (tag == "link" and given.get("rel") != "canonical")
        targets = (given.get(name) for name in ("href", "src", "poster"))
        self.links += [(target, fetched) for target in targets if target]


def problems(site: Path) -> Iterator[str]:
    """Yield a sentence for each link that is wrong, and each thing from elsewhere."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"There is no page in {site}."
    for path, page in pages.items():
        for target, fetched in page.links:
            problem = _problem(path, target, fetched, pages)
            if problem:
                yield f"{path.relative_to(site)}: {target} {problem}."
    for style in sorted(site.rglob("*.css")):
        for found in _IN_STYLES.findall(style.read_text("utf-8")):
            yield f"{style.relative_to(site)}: {found} is fetched from elsewhere."


def _problem(
    path: Path, target: str, fetched: bool, pages: dict[Path, _Page]
) -> str | None:
    link = urlsplit(target)
    if link.scheme == "data":
        return None
    if link.scheme or link.netloc:
        return _of_another_site(link.scheme, link.hostname, fetched)
    led = path.parent.joinpath(unquote(link.path)).resolve() if link.path else path
    if not led.is_file():
        return "leads to no file"
    anchor = unquote(link.fragment)
    if anchor and led in pages and anchor not in pages[led].anchors:
        return "leads to no heading"
    return None


def _of_another_site(scheme: str, host: str | None, fetched: bool) -> str | None:
    if fetched:
        return "is fetched from elsewhere"
    if scheme not in ("http", "https") or not _HOST.fullmatch(host or ""):
        return "is no URL of a site"
    return None


def main() -> int:
    """Print what is wrong with the site of the argument, and return the exit code."""
    site = Path(sys.argv[1]).resolve()
    found = list(problems(site))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
