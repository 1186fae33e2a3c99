"""What a file is by its first bytes, and what it is called after that."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv._sniffing import is_declared, is_wanted, type_of, with_ending_for
from minimalkv.files import judge_content_type
from tests.files.samples import SAMPLES

UNKNOWN: Final = "application/octet-stream"
NEVER_KEPT: Final = ("php",)
"""Endings that a web server may run."""


@pytest.mark.parametrize("ending", sorted(set(SAMPLES) - set(NEVER_KEPT)))
def test_file_that_is_what_it_is_called_keeps_its_name(ending: str) -> None:
    name = f"x.{ending}"
    judged = judge_content_type(SAMPLES[ending], name)
    assert is_wanted(judged, name, [ending])
    assert with_ending_for(name, judged, keeps_others=True) == name
    assert is_declared(judged, type_of(name))


@pytest.mark.parametrize(
    ("ending", "wanted"),
    [
        ("exe", "png"),
        ("html", "txt"),
        ("html", "xml"),
        ("svg", "png"),
        ("svg", "xml"),
        ("zip", "docx"),
        ("txt", "json"),
        ("png", "jpg"),
        ("gz", "yaml"),
        ("so", "ini"),
    ],
)
def test_name_does_not_make_a_file_what_it_is_not(ending: str, wanted: str) -> None:
    plain = SAMPLES[ending]
    judged = judge_content_type(plain, "x")
    assert not is_wanted(judged, f"x.{ending}", [wanted])


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x", "x.txt", "x.pdf", "x.svg"])
@pytest.mark.parametrize(
    "content",
    [
        b"<script>alert(1)</script>",
        b"\xef\xbb\xbf  <HTML>",
        "<svg onload='f()'>".encode("utf-16"),
        b'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"/>',
        b'<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
        "\ufeff<iframe src=x>".encode("utf-16-be"),
    ],
)
def test_markup_is_found_whatever_it_is_called(name: str, content: bytes) -> None:
    assert judge_content_type(content, name) in ("text/html", "image/svg+xml")


@pytest.mark.parametrize("content", ["Zürich;1\n", "x", "<?xml version='1.0'?><link/>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_text_is_text_in_any_usual_encoding(content: str, encoding: str) -> None:
    judged = judge_content_type(content.encode(encoding), "x.csv")
    assert judged == ("application/xml" if content.startswith("<?xml") else "text/csv")


def test_character_that_is_cut_is_no_sign_of_anything() -> None:
    cut = ("a" * 8191 + "ü").encode()[:8192]
    assert judge_content_type(cut, "x.txt") == "text/plain"


def test_what_nothing_is_known_of_is_unknown() -> None:
    for content in (b"", b"\0\1\2", b"\xff\0" * 9):
        assert judge_content_type(content, "x.png") == UNKNOWN
    assert judge_content_type(b"words", "x.png") == "text/plain"


@given(start=st.sampled_from(sorted(SAMPLES)), rest=st.binary(max_size=300))
def test_no_content_makes_it_fail(start: str, rest: bytes) -> None:
    for length in (4, 8, 12, 600):
        judged = judge_content_type(SAMPLES[start][:length] + rest, f"x.{start}")
        assert judged.count("/") == 1


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [
        ("x", "image/png", "x.png"),
        ("x", UNKNOWN, "x"),
        ("x.png", "image/jpeg", "x.jpg"),
        ("x.jpeg", "image/jpeg", "x.jpeg"),
        ("x.txt", "text/html", "x.html"),
        ("x.png", UNKNOWN, "x.bin"),
        ("x.rs", "text/plain", "x.rs"),
        ("x.dvi", UNKNOWN, "x.dvi"),
        ("x.PHP", "text/plain", "x.txt"),
        ("x.phtml", UNKNOWN, "x.bin"),
        ("x.tar.gz", "application/gzip", "x.tar.gz"),
        ("x.doc", "image/x-xcf", "x.xcf"),
    ],
)
def test_ending_fits_the_type(name: str, content_type: str, expected: str) -> None:
    assert with_ending_for(name, content_type, keeps_others=True) == expected


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [
        ("x.hta", "text/plain", "x.txt"),
        ("x.txt", "text/plain", "x.txt"),
        ("x.dvi", UNKNOWN, "x.bin"),
        ("x.foo", UNKNOWN, "x.bin"),
        ("x", UNKNOWN, "x"),
        ("x.png", "image/png", "x.png"),
    ],
)
def test_ending_that_says_nothing_does_not_stay_unasked(
    name: str, content_type: str, expected: str
) -> None:
    assert with_ending_for(name, content_type) == expected


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [
        (["image/*"], True),
        (["IMAGE/PNG"], True),
        ([".PNG"], True),
        (["jpg", "png"], True),
        (["image/jpeg"], False),
        (["video/*"], False),
        ([], False),
    ],
)
def test_types_endings_and_groups_may_be_wanted(
    wanted: list[str], is_taken: bool
) -> None:
    assert is_wanted("image/png", "x.png", wanted) is is_taken


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("shell.php.jpg", "shell_php.jpg"),
        ("v1.2.PhP5.phtml.jpg", "v1.2_PhP5_phtml.jpg"),
        ("a.b.jpg", "a.b.jpg"),
    ],
)
def test_ending_that_servers_run_stands_nowhere_in_a_name(
    name: str, called: str
) -> None:
    assert with_ending_for(name, "image/jpeg") == called


@pytest.mark.parametrize(
    "text",
    [
        b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="x"?><a/>',
        b'<?xml version="1.0"?><a xmlns="http://www.w3.org/1999/xht&#109;l"/>',
    ],
)
def test_xml_that_can_become_a_page_is_one(text: bytes) -> None:
    assert judge_content_type(text, "a.xml") == "text/html"
