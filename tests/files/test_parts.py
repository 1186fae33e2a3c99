"""Forms that arrive in any pieces, and forms that are none."""

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any, Final

import pytest

from minimalkv import UploadIncomplete, UploadRefused, UploadTooLarge
from minimalkv.files import Part, drain, iter_parts
from tests.forms import BOUNDARY, PNG, Sent, body_of, file, text

SHORT: Final = "-b"
# What begins like the end of a part, or ends in the middle of one.
TRICKY: Final = (b"\r\n--", b"-\r\n\r\n--- b\r\n\r", b"")

Seen = list[tuple[str, str | None, bytes]]


def short_form() -> bytes:
    """Return a form whose boundary is two bytes, which its payloads play with."""
    parts = b""
    for number, data in enumerate(TRICKY):
        head = f"Content-Disposition: form-data; name={number}; filename={number}"
        parts += f"--{SHORT}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"
    return parts + f"--{SHORT}--".encode()


def reader(pieces: Iterable[bytes]) -> Callable[[int], bytes]:
    """Return what reads a body as a network brings it: one piece at a time."""
    arriving = iter(pieces)

    def read(size: int) -> bytes:
        piece = next(arriving, b"")
        assert len(piece) <= size
        return piece

    return read


def cut(body: bytes, *places: int) -> Iterator[bytes]:
    for begin, end in zip((0, *places), (*places, len(body)), strict=True):
        if begin < end:  # nothing would be the end
            yield body[begin:end]


def seen(parts: Iterable[Part]) -> Seen:
    return [(part.name, part.filename, part.read()) for part in parts]


def read_short(pieces: Iterable[bytes]) -> Seen:
    kind = f"multipart/form-data; boundary={SHORT}"
    return seen(iter_parts(reader(pieces), kind))


def read_all(*parts: Sent, **options: Any) -> Seen:
    body, kind = body_of(*parts)
    pieces = (body[n : n + 1000] for n in range(0, len(body), 1000))
    return seen(iter_parts(reader(pieces), kind, **options))


EXPECTED: Final = [(str(n), str(n), data) for n, data in enumerate(TRICKY)]
BODY: Final = short_form()


def test_tricky_payloads_arrive_as_they_are() -> None:
    assert read_short([BODY]) == EXPECTED


def test_any_cut_gives_the_same_bytes() -> None:
    for place in range(1, len(BODY)):
        assert read_short(cut(BODY, place)) == EXPECTED, place


def test_any_two_cuts_give_the_same_bytes() -> None:
    for places in combinations(range(1, len(BODY)), 2):
        assert read_short(cut(BODY, *places)) == EXPECTED, places


def test_bytes_that_come_one_by_one_give_the_same() -> None:
    assert read_short(BODY[n : n + 1] for n in range(len(BODY))) == EXPECTED


def test_any_truncated_form_is_refused() -> None:
    for end in range(len(BODY)):
        with pytest.raises(UploadIncomplete):
            read_short(cut(BODY[:end], end // 2))


def test_part_gives_no_more_than_it_is_asked_for() -> None:
    body, kind = body_of(file("a", "a.png", PNG))
    (part,) = iter_parts(reader([body]), kind)
    assert part.read() == b""  # the iteration has gone on

    part = next(iter_parts(reader([body]), kind))
    assert part.read(0) == b""
    found = list(iter(lambda: part.read(7), b""))
    assert b"".join(found) == PNG
    assert max(map(len, found)) == 7
    assert part.read() == b""


def test_part_that_is_not_read_is_skipped() -> None:
    body, kind = body_of(file("a", "a.png", PNG), text("b", "c"))
    parts = iter_parts(reader([body]), kind)
    assert next(parts).read(5) == PNG[:5]
    assert next(parts).text() == "c"
    assert next(parts, None) is None


def test_names_and_text_arrive_in_any_script() -> None:
    body, kind = body_of(text("ü", "日本"), file("f", "Ärger %22 1.png", b"x"))
    first, second = (
        (part.name, part.filename, part.text())
        for part in iter_parts(reader([body]), kind)
    )
    assert first == ("ü", None, "日本")
    assert second == ("f", 'Ärger " 1.png', "x")


def test_text_that_is_none_is_shown_as_such() -> None:
    body, kind = body_of(("form-data; name=a", b"\xff!"))
    typed = 'form-data; name=b\r\nContent-Type: text/plain; charset="none-such"'
    others, _ = body_of((typed, b"c"))
    assert [part.text() for part in iter_parts(reader([body]), kind)] == ["\ufffd!"]
    assert [part.text() for part in iter_parts(reader([others]), kind)] == ["c"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"max_bytes": 999}, [file("a", "a", b"x" * 1000)]),
        ({"max_bytes": 999, "content_length": 1200}, [file("a", "a", b"x" * 1000)]),
        ({"max_parts": 2}, [text("a", "b")] * 3),
        ({"max_field_bytes": 9}, [text("a", "x" * 5)] * 2),
        ({}, [("form-data; name=a; x=" + "y" * 5000, b"")]),
        ({}, [("form-data; name=a" + "\r\nX-Y: z" * 9, b"")]),
    ],
)
def test_what_is_too_large_is_refused(
    options: dict[str, Any], parts: list[Sent]
) -> None:
    with pytest.raises(UploadTooLarge):
        read_all(*parts, **options)


def test_what_is_just_small_enough_is_taken() -> None:
    parts = [text("a", "x" * 5), text("b", "y" * 4), file("c", "c", PNG)]
    length = len(body_of(*parts)[0])
    limits = {"max_bytes": length, "max_parts": 3, "max_field_bytes": 9}
    assert len(read_all(*parts, **limits, content_length=length)) == 3


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 300}",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=\udcff",
    ],
)
def test_type_that_is_no_form_is_refused(kind: str) -> None:
    with pytest.raises(UploadRefused):
        seen(iter_parts(reader([b""]), kind))


@pytest.mark.parametrize(
    "body",
    [
        f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{BOUNDARY}--",
        f"--{BOUNDARY}\r\nContent-Disposition: inline\r\n\r\nx\r\n--{BOUNDARY}--",
        f"--{BOUNDARY}\r\nno header\r\n\r\nx\r\n--{BOUNDARY}--",
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--{BOUNDARY}--",
        f"--{BOUNDARY}garbage",
    ],
)
def test_body_that_is_no_form_is_refused(body: str) -> None:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    with pytest.raises(UploadRefused) as caught:
        seen(iter_parts(reader([body.encode()]), kind))
    assert caught.value.status == 400


def test_part_of_a_refused_form_does_not_look_complete() -> None:
    body, kind = body_of(file("a", "a", b"x" * 100_000))
    part = next(iter_parts(reader([body[:60_000], body[60_000:90_000]]), kind))
    with pytest.raises(UploadIncomplete):
        part.read()
    with pytest.raises(UploadIncomplete):
        part.read()


def test_error_of_the_source_is_passed_on() -> None:
    def read(size: int) -> bytes:
        raise ConnectionResetError(size)

    with pytest.raises(ConnectionResetError):
        seen(iter_parts(read, f"multipart/form-data; boundary={BOUNDARY}"))


def test_draining_stops_at_its_bound_and_at_the_end() -> None:
    asked: list[int] = []

    def read(size: int) -> bytes:
        asked.append(size)
        return b"x" * size

    drain(read, 150_000)
    assert sum(asked) == 150_000
    drain(reader([b"x", b"y"]), 100)


def test_draining_bears_a_sender_that_has_gone() -> None:
    def read(size: int) -> bytes:
        raise ConnectionResetError(size)

    drain(read, 1)


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "a\0b", "none"])
def test_charset_that_no_browser_sends_is_utf_8(charset: str) -> None:
    head = 'Content-Disposition: form-data; name="a"'
    kind = f"Content-Type: text/plain; charset={charset}"
    body = f"--x\r\n{head}\r\n{kind}\r\n\r\nc-d\r\n--x--\r\n".encode()
    (text,) = (
        part.text()
        for part in iter_parts(io.BytesIO(body).read, "multipart/form-data; boundary=x")
    )
    assert text == "c-d"
