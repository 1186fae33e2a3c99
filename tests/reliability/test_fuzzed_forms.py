"""Forms of any bytes that arrive in any pieces: exact, or refused."""

import io
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from minimalkv import UploadIncomplete, UploadRefused
from minimalkv.files import iter_parts
from tests.files.test_parts import BODY, EXPECTED, SHORT, Seen, cut, reader, seen
from tests.reliability import fuzzing

examples = fuzzing.examples()

_KIND: Final = f"multipart/form-data; boundary={SHORT}"
# What begins like a boundary, or like the end of one, is where a parser errs.
_PIECES: Final = (b"\r\n", b"--", b"-b", b"\r\n---b", b"\r", b"\n", b"x", b"")
_HEADS: Final = (
    b'Content-Disposition: form-data; name="a"',
    b'Content-Disposition: form-data; name="f"; filename="f"',
    b"Content-Type: text/plain; charset=utf-16",
    b"Content-Transfer-Encoding: base64",
    b": ",
    b"\xff",
)

payloads = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=9)).map(b"".join)
places = st.lists(st.floats(0, 1), max_size=8)
bodies = st.lists(
    st.sampled_from([b"---b\r\n", b"---b--", b"\r\n\r\n", b"\r\n", *_HEADS])
    | st.binary(max_size=5)
).map(b"".join)


def form(values: list[bytes]) -> bytes:
    """Return a form with these files."""
    parts = b"".join(
        b"---b\r\nContent-Disposition: form-data; name=%d; filename=%d\r\n\r\n%b\r\n"
        % (number, number, value)
        for number, value in enumerate(values)
    )
    return parts + b"---b--\r\n"


def outcome(read: Callable[[int], bytes]) -> Seen | str:
    try:
        return seen(iter_parts(read, _KIND))
    except UploadRefused:
        return "refused"


def in_pieces(body: bytes, shares: Iterable[float]) -> Seen | str:
    return outcome(reader(cut(body, *sorted(int(s * len(body)) for s in shares))))


def test_any_payloads_in_any_pieces_arrive_exactly(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.lists(payloads.filter(lambda data: b"\r\n---b" not in data)), places)
    def check(values: list[bytes], shares: list[float]) -> None:
        expected = [(str(n), str(n), value) for n, value in enumerate(values)]
        assert in_pieces(form(values), shares) == expected

    check()


def test_a_form_that_is_cut_anywhere_is_refused(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.lists(payloads, min_size=1), st.floats(0, 1, exclude_max=True), places)
    def check(values: list[bytes], share: float, shares: list[float]) -> None:
        body = form(values).removesuffix(b"--\r\n")
        # A payload may hold the end of a form, behind which nothing counts.
        if b"---b--" not in body:
            assert in_pieces(body[: int(len(body) * share)], shares) == "refused"

    check()


def test_any_bytes_are_the_same_form_in_any_pieces_or_refused(examples: int) -> None:
    @settings(max_examples=examples)
    @given(bodies | fuzzing.damaged(st.just(BODY)) | st.binary(max_size=60), places)
    @example(b"---b", [0.5])
    @example(b"", [])
    def check(body: bytes, shares: list[float]) -> None:
        whole = outcome(io.BytesIO(body).read)
        for cuts in (shares, [n / len(body) for n in range(len(body))]):
            found = in_pieces(body, cuts)
            # The parser (multipart 2.0.1) refuses some junk in some pieces only.
            assert found == whole or "refused" in (found, whole)

    check()


def test_a_reader_that_takes_less_gets_the_same(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.lists(st.integers(1, 9), min_size=1), places)
    def check(sizes: list[int], shares: list[float]) -> None:
        shares = sorted(shares)
        pieces = cut(BODY, *(int(share * len(BODY)) for share in shares))
        found = []
        for part in iter_parts(reader(pieces), _KIND):
            data = b""
            while piece := part.read(sizes[len(data) % len(sizes)]):
                data += piece
            found.append((part.name, part.filename, data))
        assert found == EXPECTED

    check()


def test_a_reader_that_takes_a_cut_form_for_whole_is_noticed() -> None:
    def lenient(read: Callable[[int], bytes]) -> Seen | str:
        found: Seen = []
        with suppress(UploadIncomplete):
            for part in iter_parts(read, _KIND):
                found += [(part.name, part.filename, part.read())]
        return found

    cut_short = BODY[:-4]
    assert lenient(io.BytesIO(cut_short).read) != outcome(io.BytesIO(cut_short).read)
