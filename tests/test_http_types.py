"""What a browser is told to show, and what to save."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv.http import is_safe_inline
from tests.described import ANYTHING, headers_of

UNKNOWN: Final = "application/octet-stream"

SHOWN: Final = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
    "image/x-icon",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "video/mp4",
    "video/webm",
    "application/pdf",
    "text/plain",
)
SAVED: Final = (
    "application/zip",
    "application/json",
    "text/csv",
    "image/tiff",
    "font/woff2",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
ACTING: Final = (
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "image/svg",
    "text/xml",
    "application/xml",
    "application/rss+xml",
    "application/mathml+xml",
    "application/vnd.mozilla.xul+xml",
    "application/vnd.wap.xhtml+xml",
    "text/xsl",
    "application/xslt+xml",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/jscript",
    "text/vbscript",
    "text/livescript",
    "application/wasm",
    "application/manifest+json",
    "application/speculationrules+json",
    "text/cache-manifest",
    "text/css",
    "text/x-component",
    "text/event-stream",
    "application/hta",
    "application/x-shockwave-flash",
    "application/java-archive",
    "application/x-java-applet",
    "application/vnd.adobe.flash.movie",
    "application/x-xpinstall",
    "application/x-chrome-extension",
    "message/rfc822",
    "multipart/x-mixed-replace",
    "multipart/related",
    "text/rtf",
    "x-scheme/x-handler",
)
JUNK: Final = (
    "",
    " ",
    ";",
    "/",
    "png",
    "image/",
    "/png",
    "*/*",
    "image/*",
    "image/png/html",
    "image png",
    "image/png text/html",
    "image/png, text/html",
    "text/html,image/png",
    "image/png\r\nContent-Type: text/html",
    "image/png\nX-Own: 1",
    "image/png\0",
    "\0text/html",
    "image/png\x7f",
    "image/p\u0578g",
    "image/png\u2028",
    "\ufeffimage/png",
    "text/html" + " " * 10_000,
    "image/" + "x" * 10_000,
    "<script>alert(1)</script>",
    "\ud800/\udfff",
)
# How else the same type may be written, so that a list would not find it.
SPELLINGS: Final = (
    "{}",
    " {} ",
    "{};charset=utf-7",
    "{} ; charset=utf-16; x",
    "{};",
    "{}; image/png",
    '{}; name="a\\";b"',
)
NAMES: Final = (
    "picture.png",
    "ünïcødé 写真.png",
    'quo"ted.png',
    "back\\slash.png",
    "per%cent%0d%0aX: y.png",
    "semi;colon=1; filename=evil.html",
    "line\r\nSet-Cookie: a=b",
    "nul\0.png",
    "\u202egpj.exe",
    "\u2028\u2029\x85\x0b\x0c.txt",
    "half\ud800.png",
    "../../etc/passwd",
    "C:\\Windows\\x.exe",
    ".htaccess",
    "..",
    " ",
    "/",
    "x" * 5000 + ".png",
    "写" * 5000 + ".png",
    "a." + "b" * 5000,
)
ALLOWED: Final = {
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "X-Content-Type-Options",
}


def ascii_start(text: str) -> str:
    """Return what names a test, of a text that may be long."""
    return ascii(text[:30])


def check_safe(headers: Mapping[str, str]) -> None:
    """Check that no browser runs what comes with these headers."""
    assert headers["X-Content-Type-Options"] == "nosniff"
    kind, _, _ = headers["Content-Disposition"].partition(";")
    name, _, charset = headers["Content-Type"].partition("; charset=")
    assert kind in ("inline", "attachment")
    assert name not in ACTING
    assert charset in ("", "utf-8", "us-ascii", "iso-8859-1")
    if kind == "inline":
        assert is_safe_inline(name)
        policy = headers.get("Content-Security-Policy", "")
        assert policy.startswith("sandbox") == (name != "application/pdf")
        assert "allow-scripts" not in policy


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("content_type", ACTING)
def test_what_can_act_is_saved_under_a_type_that_nothing_runs(
    content_type: str, upper: bool, spelling: str
) -> None:
    given_type = spelling.format(content_type.upper() if upper else content_type)

    assert not is_safe_inline(given_type)
    for as_attachment in (None, False, True):
        headers = headers_of(given_type, as_attachment=as_attachment)
        check_safe(headers)
        assert headers["Content-Type"] == UNKNOWN
        assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("content_type", JUNK, ids=ascii_start)
def test_what_is_no_type_is_saved_as_unknown(content_type: str) -> None:
    assert not is_safe_inline(content_type)
    for headers in (
        headers_of(content_type),
        headers_of("image/png", content_type=content_type),
    ):
        assert headers["Content-Type"] == UNKNOWN
        assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("content_type", SHOWN)
def test_what_cannot_act_is_shown(content_type: str) -> None:
    headers = headers_of(f" {content_type.upper()} ; x=y")

    check_safe(headers)
    assert headers["Content-Type"].partition(";")[0] == content_type
    assert headers["Content-Disposition"].startswith("inline;")


def test_a_film_may_be_asked_for_by_the_page_that_plays_it() -> None:
    policies = {
        name: headers_of(name)["Content-Security-Policy"].partition(";")[0]
        for name in ("image/png", "text/plain", "video/mp4", "audio/mpeg")
    }

    assert list(policies.values()) == [
        "sandbox",
        "sandbox",
        "sandbox allow-same-origin",
        "sandbox allow-same-origin",
    ]


@pytest.mark.parametrize("content_type", SAVED)
def test_documents_are_saved_under_their_own_type(content_type: str) -> None:
    headers = headers_of(content_type, as_attachment=False)

    check_safe(headers)
    assert headers["Content-Type"].partition(";")[0] == content_type
    assert headers["Content-Disposition"].startswith("attachment;")
    assert "Content-Security-Policy" not in headers


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("text/plain", "utf-8"),
        ("text/plain; charset=ISO-8859-1", "iso-8859-1"),
        ('text/plain; x=y;charset="us-ascii"', "us-ascii"),
        ("text/plain; charset=utf-7", "utf-8"),
        ("text/plain; charset=utf-16le", "utf-8"),
        ("text/plain; charset=iso-2022-jp", "utf-8"),
        ('text/plain; charset="utf-8', "utf-8"),
        ("text/plain; charset=", "utf-8"),
    ],
)
def test_a_text_has_a_charset_that_hides_no_markup(said: str, sent: str) -> None:
    assert headers_of(said)["Content-Type"] == f"text/plain; charset={sent}"


@pytest.mark.parametrize("name", NAMES, ids=ascii_start)
def test_no_name_and_type_make_a_header_or_a_page(name: str) -> None:
    stored = {"Content-Disposition": f'inline; filename="{name}"'}
    for content_type in (*SHOWN, *SAVED, *ACTING, *JUNK):
        for headers in (
            headers_of(content_type, download_name=name),
            headers_of(content_type, stored),
        ):
            check_safe(headers)
            assert set(headers) <= ALLOWED


_HALVES = st.sampled_from(ACTING + SHOWN) | ANYTHING


@given(st.builds("{}{}{}".format, ANYTHING, _HALVES, ANYTHING), ANYTHING)
def test_whatever_is_stored_nothing_acts(content_type: str, name: str) -> None:
    stored = {
        "Content-Disposition": name,
        "Cache-Control": name,
        "Content-Encoding": name,
    }
    check_safe(headers_of(content_type, stored))
    check_safe(headers_of(content_type, download_name=name))
