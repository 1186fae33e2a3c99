"""Any headers, keys and URLs that somebody sends: taken exactly, or refused."""

import re
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from minimalkv import (
    InvalidArgument,
    InvalidKey,
    InvalidURL,
    KeyConflict,
    Unsupported,
    get_store_from_url,
)
from minimalkv._contract.nasty import NASTY_KEYS
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv._urls import parse_url
from minimalkv.fs import FilesystemStore
from minimalkv.http import answer
from minimalkv.memory import DictStore
from tests.asking import header
from tests.reliability import fuzzing
from tests.test_masking import every_print_of

examples = fuzzing.examples()

VALUE: Final = bytes(range(200))
_SPAN: Final = re.compile(r"bytes (\d+)-(\d+)/200")
SECRET: Final = "Zq7Wk9Xv"

numbers = st.integers(0, 250).map(str) | st.sampled_from(["", "-1", "9" * 30, "٣", " "])
ranges = st.builds("bytes={}-{}".format, numbers, numbers) | st.text("bytes=-, 0129")
ranges |= st.builds("{}{}".format, ranges, st.sampled_from([",0-1", "\r\nX: y", " "]))


def test_any_range_is_exact_or_the_whole(examples: int) -> None:
    store = HDictStore({"key": VALUE})
    meta = store.head("key")
    etag = f'"{meta.etag}"'
    second = timedelta(seconds=1)
    dates = st.sampled_from(
        [
            (meta.modified + second * n).strftime("%a, %d %b %Y %H:%M:%S GMT")
            for n in (-1, 0, 1)
            if meta.modified
        ]
        or [""]
    )
    versions = st.sampled_from([etag, f"W/{etag}", "*", '""', etag + etag]) | dates

    @settings(max_examples=examples)
    @given(ranges, st.none() | versions | st.text())
    def check(asked: str, if_range: str | None) -> None:
        headers = {"Range": asked}
        if if_range is not None:
            headers["If-Range"] = if_range
        told = answer(store, "key", headers=headers)
        assert told.status in (200, 206, 416)
        if told.body is None:
            assert header(told, "Content-Range") == "bytes */200"
            return
        with told.body as body:
            data = body.read()
        assert header(told, "Content-Length") == str(len(data))
        if told.status == 200:
            assert data == VALUE
            return
        found = _SPAN.fullmatch(header(told, "Content-Range") or "")
        assert found
        assert data == VALUE[int(found[1]) : int(found[2]) + 1] != b""
        assert if_range is None or not if_range.startswith(("W/", "*"))

    check()


pieces = st.sampled_from(
    ["..", ".", "/", "\\", "a", "key", ";", "\0", "\n", " ", "é", "%2e", "~", "b" * 249]
)
texts = st.lists(pieces, max_size=6).map("".join) | st.sampled_from(
    [key for key in NASTY_KEYS if isinstance(key, str)]
)
texts |= st.text(max_size=9)


def check_key(root: Path, make: type[FilesystemStore], key: str) -> None:
    """Fail if something is stored elsewhere than it should, or under another name."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        store = make(Path(folder, "in", "root"), fsync=False)
        check_round_trip(store, key)
        assert {path.name for path in Path(folder).iterdir()} <= {"in"}
        assert {path.name for path in Path(folder).glob("in/*")} <= {"root"}


def check_round_trip(store: KeyValueStore, key: str) -> None:
    try:
        store.put(key, b"value")
    except (InvalidKey, KeyConflict):
        assert store.keys() == []
        return
    assert (store.keys(), store.get(key)) == ([key], b"value")
    store.delete(key)
    assert store.keys() == []


def test_any_text_is_a_key_or_refused_and_stays_in_its_root(
    examples: int, tmp_path: Path
) -> None:
    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(texts)
    def check(key: str) -> None:
        for store in (DictStore(), HDictStore()):
            check_round_trip(store, key)
        for make in (FilesystemStore, HFilesystemStore):
            check_key(tmp_path, make, key)

    check()


def test_a_store_that_leaves_its_root_is_noticed(tmp_path: Path) -> None:
    class LeavesItsRoot(HFilesystemStore):
        def put(self, key: str, data: bytes, *args: object, **options: object) -> str:
            path = Path(self.root, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return key

    noticed = 0
    for key in ("../x", "a", "../../x"):
        try:
            check_key(tmp_path, LeavesItsRoot, key)
        except (AssertionError, InvalidKey):
            noticed += 1
    assert noticed == 2


def test_any_description_of_a_value_is_one_line_or_refused(examples: int) -> None:
    names = st.sampled_from(["Cache-Control", "content-encoding", "X-Other", ""])
    values = st.text(max_size=9) | st.sampled_from(["a\r\nB: c", "\0", "é", "x" * 999])

    @settings(max_examples=examples)
    @given(values, st.dictionaries(names | st.text(max_size=3), values, max_size=2))
    def check(content_type: str, headers: dict[str, str]) -> None:
        store = DictStore()
        try:
            store.put("key", b"value", content_type=content_type, headers=headers)
        except InvalidArgument:
            assert store.keys() == []
            return
        said = [content_type, *headers.values()]
        assert not any(c in text for text in said for c in "\r\n\0\x7f")

    check()


_SHAPES: Final = (
    f"redis://user:{SECRET}@localhost:6379/0?timeout=2",
    f"hrediss://:{SECRET}@h1:1,h2:2?cluster=true#wrap:readonly+prefix(a-)",
    f"s3://AKIA:{SECRET}@endpoint:9000/bucket/prefix?region_name=eu",
    f"azure://account:{SECRET}@container?create_if_missing=false",
    f"hgcs://{SECRET}@bucket",
)
_EDITS: Final = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.booleans(),
        st.sampled_from([*"@:/?#&=%+,()[]; \t\0é0", "%40", "%", "://", "wrap:"]),
    ),
    max_size=4,
)


def edited(url: str, edits: list[tuple[float, bool, str]]) -> str:
    """Change a URL around its secret, which stays whole."""
    for share, is_more, text in edits:
        place = int(share * len(url))
        begin = url.find(SECRET)
        if begin < place < begin + len(SECRET):
            place = begin
        is_secret = place == begin
        rest = url[place:] if is_more or is_secret else url[place + 1 :]
        url = url[:place] + (text if is_more else "") + rest
    return url


def public_of(url: str) -> str:
    """Return what is no secret of a URL: where an @ was taken away, it is a host."""
    try:
        parsed = parse_url(url)
    except InvalidURL:
        return ""
    return f"{parsed.hosts} {parsed.path} {parsed.wrappers}"


def test_an_edited_url_is_refused_by_our_errors_without_its_secret(
    examples: int,
) -> None:
    @settings(max_examples=examples)
    @given(st.sampled_from(_SHAPES), _EDITS)
    @example("redis://user:Zq7Wk9Xv@localhost:99999999999999999999/0", [])
    @example("redis://[::1%25:Zq7Wk9Xv@", [])
    def check(shape: str, edits: list[tuple[float, bool, str]]) -> None:
        url = edited(shape, edits)
        printed = every_print_of(url)
        assert SECRET not in printed or SECRET in public_of(url), url

    check()


def test_any_options_of_a_url_are_typed_or_refused(examples: int) -> None:
    names = ["timeout", "max_connections", "fsync", "db", "x", "region_name", "verify"]
    values = ["1", "-1", "nan", "inf", "1e999", "9" * 5000, "true", "", "4*1024", "٣"]
    pairs = st.tuples(
        st.sampled_from(names), st.sampled_from(values) | st.text(max_size=5)
    )

    @settings(max_examples=examples)
    @given(
        st.sampled_from(["redis://h", "s3://k:s@/b", "fs://a", "memory://", "gcs://b"]),
        st.lists(pairs, max_size=3),
    )
    def check(begin: str, options: list[tuple[str, str]]) -> None:
        query = "&".join(f"{name}={value}" for name, value in options)
        try:
            get_store_from_url(f"{begin}?{query}")
        except (InvalidURL, Unsupported):
            return

    check()
