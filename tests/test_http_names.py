"""Under which name a browser saves a file, and what was stored about it."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given

from minimalkv import InvalidArgument
from minimalkv.http import content_disposition
from tests.described import ANYTHING, headers_of


def names_in(header: str) -> tuple[str, str]:
    """Return the plain and the exact name, of a header that has just these."""
    found = re.fullmatch(
        r"(?:inline|attachment); filename=\"([^\"\\%]*)\"; filename\*=UTF-8''"
        r"([A-Za-z0-9_.~%-]+)",
        header,
    )
    assert found is not None
    return found[1], unquote(found[2], errors="strict")


@pytest.mark.parametrize(
    ("name", "plain", "exact"),
    [
        ("a b.png", "a b.png", "a b.png"),
        ("ä€.png", "__.png", "ä€.png"),
        ('"a" 100%.png', "_a_ 100_.png", '"a" 100%.png'),
        ("a/b\\c.png", "a_b_c.png", "a_b_c.png"),
        ("a\r\nb\0.png", "a__b_.png", "a__b_.png"),
        ("\u202egnp.exe", "_gnp.exe", "_gnp.exe"),
        ("👩\u200d👧.png", "___.png", "👩\u200d👧.png"),
        ("..", "download", "download"),
        ("", "download", "download"),
        (" .env. ", "env", "env"),
        ("half\ud800", "half_", "half_"),
    ],
)
def test_a_name_is_exact_and_has_a_plain_stand_in(
    name: str, plain: str, exact: str
) -> None:
    assert names_in(content_disposition("attachment", name)) == (plain, exact)


@given(ANYTHING)
def test_any_name_is_one_that_a_disk_can_hold(name: str) -> None:
    header = content_disposition("inline", name)

    plain, exact = names_in(header)
    assert header.isascii()
    assert header.isprintable()
    assert 0 < len(plain) <= len(exact.encode()) <= 255
    assert not set(exact) & set("/\\\r\n\0")
    assert exact not in (".", "..")


@pytest.mark.parametrize(
    ("name", "ending"),
    [("x" * 999 + ".png", ".png"), ("写" * 999 + ".jpeg", ".jpeg"), ("x" * 999, "x")],
)
def test_a_long_name_is_cut_before_its_ending(name: str, ending: str) -> None:
    _, exact = names_in(content_disposition("attachment", name))

    assert 250 < len(exact.encode()) <= 255
    assert exact.endswith(ending)
    assert exact[0] == name[0]


@pytest.mark.parametrize("kind", ["", "INLINE", "form-data", "inline\r\n"])
def test_a_header_is_inline_or_attachment(kind: str) -> None:
    with pytest.raises(InvalidArgument, match="inline"):
        content_disposition(kind, "name")


@pytest.mark.parametrize(
    ("stored", "kind", "name"),
    [
        ('attachment; filename="a b.png"', "attachment", "a b.png"),
        ("inline; filename=c.png", "inline", "c.png"),
        ('INLINE;FILENAME="d\\"e.png"', "inline", 'd"e.png'),
        ("attachment", "attachment", "key"),
        ("filename=x.png", "inline", "key"),
        (content_disposition("attachment", "写 %.png"), "attachment", "写 %.png"),
        ("attachment; filename*=latin-1''%e4.png", "attachment", "key"),
        ('inline; filename=""', "inline", "key"),
        ("x" * 9999, "inline", "key"),
    ],
)
def test_what_was_stored_says_how_to_save_it(stored: str, kind: str, name: str) -> None:
    header = headers_of("image/png", {"Content-Disposition": stored})
    told = header["Content-Disposition"]

    assert told.startswith(f"{kind};")
    assert names_in(told)[1] == name


def test_what_the_application_says_wins_over_what_was_stored() -> None:
    stored = {
        "Content-Disposition": "attachment; filename=a.png",
        "Cache-Control": "public",
    }
    headers = headers_of(
        "text/html",
        stored,
        content_type="image/png",
        download_name="b.png",
        as_attachment=False,
        cache_control="private, max-age=5",
    )

    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == content_disposition("inline", "b.png")
    assert headers["Cache-Control"] == "private, max-age=5"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "gzip, br"])
def test_what_was_stored_compressed_says_so(encoding: str) -> None:
    stored = {"Content-Encoding": encoding, "Cache-Control": "max-age=9"}
    headers = headers_of("text/plain", stored)

    assert headers["Content-Encoding"] == encoding
    assert headers["Cache-Control"] == "max-age=9"


@pytest.mark.parametrize("junk", ["gzip\r\nX: y", "ü", "", "a b", "x" * 999, "gzip\n"])
def test_stored_headers_that_are_none_are_not_sent(junk: str) -> None:
    headers = headers_of(
        "image/png", {"Content-Encoding": junk, "Cache-Control": f"{junk}\n"}
    )

    assert "Content-Encoding" not in headers
    assert headers["Cache-Control"] == "no-cache"
