"""``rm`` and ``purge``."""

import json
import os
import pty

import pytest

from minimalkv import get_store_from_url
from minimalkv.ttl import TimeToLiveDecorator, with_ttl
from tests.cli.running import printed, run, start
from tests.clocks import FakeClock


def fill(url: str) -> None:
    with get_store_from_url(url) as store:
        store.put_many(dict.fromkeys(["a", "b", "p-1", "p-2"], b"x"))


def keys(url: str) -> list[str]:
    return sorted(printed("ls", url).split())


def test_a_missing_key_is_told_and_the_others_are_deleted(url: str) -> None:
    fill(url)

    result = run("rm", url, "a", "missing", "b")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: No value is stored under the key 'missing'.\n"
    assert keys(url) == ["p-1", "p-2"]
    assert run("rm", url, "--force", "a", "p-1").exit_code == 0
    assert keys(url) == ["p-2"]


def test_a_prefix_is_deleted_only_on_demand(url: str) -> None:
    fill(url)

    assert sorted(printed("rm", url, "--prefix", "p-", "--dry-run").split()) == [
        "p-1",
        "p-2",
    ]
    refused = run("rm", url, "--prefix", "p-")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert keys(url) == ["a", "b", "p-1", "p-2"]
    assert printed("rm", url, "--prefix", "p-", "--yes") == "Keys deleted: 2\n"
    assert keys(url) == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [("y\n", 0, 0), ("n\n", 1, 4), ("\n", 1, 4), ("", 130, 4)],
)
def test_who_sits_at_a_terminal_is_asked(
    folder: str, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    fill(folder)
    monkeypatch.setattr("minimalkv._cli.writing._is_terminal", lambda: True)

    result = run("rm", folder, "--prefix", "", "--all", input=answer)

    assert result.exit_code == code
    assert "Delete ALL keys of <HFilesystemStore" in result.stderr
    assert len(keys(folder)) == left


def test_the_question_reaches_a_terminal(folder: str) -> None:
    fill(folder)
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "r+b", buffering=0) as user,
        start("rm", folder, "--prefix", "p-", stdin=theirs, stderr=theirs) as process,
    ):
        os.close(theirs)
        question = b""
        while not question.endswith(b"[y/N]: "):
            question += user.read(1000)
        user.write(b"y\n")
        assert process.stdout is not None
        assert process.stdout.read() == b"Keys deleted: 2\n"

    assert question.startswith(b"Delete all keys that begin with 'p-' of <HFilesystem")
    assert keys(folder) == ["a", "b"]


def test_dry_run_of_keys_deletes_nothing(folder: str) -> None:
    fill(folder)

    assert printed("rm", folder, "a", "--dry-run") == "a\n"
    assert "a" in keys(folder)


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_an_empty_prefix_is_refused_without_all(folder: str, how: str) -> None:
    fill(folder)

    refused = run("rm", folder, "--prefix", "", how)

    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "--all" in refused.stderr
    assert len(keys(folder)) == 4
    printed("rm", folder, "--prefix", "", "--all", how)
    assert len(keys(folder)) == (0 if how == "--yes" else 4)


@pytest.mark.parametrize(
    "arguments", [[], ["a", "--prefix", "p-"], ["--all"], ["a", "--all"]]
)
def test_keys_or_a_prefix_are_needed(folder: str, arguments: list[str]) -> None:
    result = run("rm", folder, *arguments)

    assert result.exit_code == 2
    assert "Name keys, or a --prefix." in result.stderr


def test_purge_deletes_what_has_expired_and_counts_the_rest(url: str) -> None:
    with get_store_from_url(url) as store:
        framed = not store.ttl_support
        expiring = with_ttl(store)
        if isinstance(expiring, TimeToLiveDecorator):
            expiring._clock = FakeClock(1_000_000)
        expiring.put("mkv-session-a", b"over", ttl_secs=0)
        expiring.put("mkv-session-b", b"stays")
        store.put("raw", b"stays")

    if framed:
        assert "expired" in printed("ls", "-l", url, "mkv-session-a")
    told = json.loads(printed("purge", url, "--json"))
    assert told == {"deleted": int(framed), "without_expiry": 1 if framed else None}
    assert keys(url) == ["mkv-session-b", "raw"]
    assert printed("purge", url, "mkv-").startswith("Values deleted: 0\n")


def test_what_is_read_only_stays(folder: str) -> None:
    fill(folder)
    for rest in (["a"], ["--prefix", "p-", "--yes"]):
        result = run("rm", f"{folder}#wrap:readonly", *rest)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert len(keys(folder)) == 4
