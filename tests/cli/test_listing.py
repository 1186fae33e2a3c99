"""``ls`` and ``du``."""

import json
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from itertools import count

import pytest

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv._cli import _output
from minimalkv._cli._output import Lines, human, printable, remaining
from minimalkv._meta import utc
from minimalkv.memory import DictStore
from tests.cli.running import printed, run, start


@pytest.fixture
def filled(url: str) -> Iterator[KeyValueStore]:
    with get_store_from_url(url) as store:
        store.put_many(
            {"photos/a.png": b"a" * 1500, "photos/old/b.png": b"", "c.txt": b"four"}
        )
        yield store


def test_keys_are_listed_by_prefix(url: str, filled: KeyValueStore) -> None:
    assert set(printed("ls", url).split()) == set(filled)
    assert set(printed("ls", url, "photos/").split()) == set(filled.keys("photos/"))
    assert printed("ls", url, "nothing") == ""
    lines = printed("ls", "--json", url, "c").splitlines()
    assert [json.loads(line) for line in lines] == [{"key": "c.txt"}]


def test_a_long_list_has_the_facts_in_columns(url: str, filled: KeyValueStore) -> None:
    lines = printed("ls", "-l", url).splitlines()
    positions = {line.index(line.split()[-1]) for line in lines}
    columns = {line.split()[-1]: line.split()[:-1] for line in lines}

    assert set(columns) == set(filled)
    assert len(positions) == 1
    size, modified, expires, content_type = columns["photos/a.png"]
    assert (size, expires, content_type) == ("1500", "-", "image/png")
    known = filled.head("photos/a.png").modified
    assert modified == (f"{known:%Y-%m-%dT%H:%M:%SZ}" if known else "-")
    assert "1.5 KiB" in printed("ls", "-lh", url)


def test_a_long_list_as_json_is_what_stat_tells(
    url: str, filled: KeyValueStore
) -> None:
    lines = printed("ls", "-l", "--json", url).splitlines()
    listed = {facts["key"]: facts for facts in map(json.loads, lines)}

    for key in filled:
        told = json.loads(printed("stat", "--json", url, key))
        for name in ("size", "expires", "etag"):
            assert listed[key][name] == told[name], name
    etag = listed["c.txt"]["etag"]
    assert f"  {etag} " in printed("ls", "-l", "--etag", url, "c")


def test_sizes_are_summed_up_by_folder(url: str, filled: KeyValueStore) -> None:
    filled.put("mkv-session-a", b"1234")
    filled.put("mkv-user-a", b"12")

    rows = [line.split() for line in printed("du", url).splitlines()]

    assert rows == [
        ["4", "1", "mkv-session-"],
        ["2", "1", "mkv-user-"],
        ["1500", "2", "photos/"],
        ["1510", "5", "all"],
    ]
    assert printed("du", "-sh", url, "photos/").split() == ["1.5", "KiB", "2", "all"]
    lines = printed("du", "--json", url, "photos/").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"prefix": "photos/old/", "size": 0, "values": 1},
        {"prefix": "photos/", "size": 1500, "values": 2},
    ]


class Endless(DictStore):
    """Has no last key."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        return (f"{prefix}{number}" for number in count())


def test_the_first_line_does_not_wait_for_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []

    def write(_: Lines, text: str) -> None:
        lines.append(text)
        if len(lines) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Lines, "write", write)
    monkeypatch.setattr("minimalkv._cli._store.get_store_from_url", lambda _: Endless())

    assert run("ls", "memory://", "key-").exit_code == 130
    assert lines == ["key-0", "key-1", "key-2"]


def test_a_reader_that_has_enough_ends_the_list_quietly(folder: str) -> None:
    with get_store_from_url(folder) as store:
        store.put_many({f"{'k' * 200}{number}": b"" for number in range(600)})

    with start("ls", folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"kkk")
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_characters_of_control_are_escaped_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "a\x1b[2J\nä b"

    assert printable(key) == "a\\x1b[2J\\nä b"
    assert Lines().key(key) == key
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert Lines().key(key) == printable(key)
    assert Lines(as_json=True).key(key) == key


def test_what_an_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(out, encoding="ascii"))

    Lines().write("lone \udcff, ä")

    assert out.getvalue() == b"lone \\udcff, \\xe4\n"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 2**40, "5.0 TiB")],
)
def test_sizes_have_the_unit_that_fits(size: int, text: str) -> None:
    assert human(size) == text


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (0.5, "0s"),
        (59, "59s"),
        (3600, "1h 0m"),
        (90_061, "1d 1h"),
        (-1, "expired"),
    ],
)
def test_what_remains_is_told_in_two_units(
    monkeypatch: pytest.MonkeyPatch, left: float, text: str
) -> None:
    monkeypatch.setattr(_output, "now", lambda: 1_800_000_000.0)

    assert remaining(utc(1_800_000_000.0 + left)) == text
