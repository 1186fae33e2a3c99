"""``cp`` and ``mv``."""

import json
from pathlib import Path
from typing import Any

import pytest

from minimalkv import get_store_from_url
from minimalkv.ttl import with_ttl
from tests.cli.running import printed, run


@pytest.fixture
def other(tmp_path: Path) -> str:
    return f"hfs://{tmp_path}/other?fsync=false"


def keys(url: str) -> list[str]:
    return sorted(printed("ls", url).split())


def test_a_value_is_copied_inside_a_store(url: str) -> None:
    printed("put", url, "a", input=b"value")

    assert printed("cp", url, "a", "b/c") == ""
    assert printed("cat", url, "a", "b/c") == "valuevalue"
    assert run("cp", url, "missing", "d").exit_code == 1


def test_a_value_is_moved_inside_a_store(url: str) -> None:
    printed("put", url, "a", input=b"value")

    assert printed("mv", url, "a", "b/c") == ""
    assert printed("cat", url, "b/c") == "value"
    assert keys(url) == ["b/c"]
    printed("mv", url, "b/c", "b/c")
    assert keys(url) == ["b/c"]


@pytest.mark.parametrize("command", ["cp", "mv"])
def test_no_clobber_leaves_both(url: str, command: str) -> None:
    printed("put", url, "a", input=b"new")
    printed("put", url, "b", input=b"old")

    result = run(command, url, "a", "b", "--no-clobber")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert printed("cat", url, "a", "b") == "newold"
    printed(command, url, "a", "c", "--no-clobber")
    assert keys(url) == (["a", "b", "c"] if command == "cp" else ["b", "c"])


def test_a_value_goes_to_another_store(url: str, other: str) -> None:
    printed("put", url, "a", input=b"value")

    printed("cp", url, "a", "b", "--to", other)
    assert keys(url) == ["a"]
    printed("mv", url, "a", "c", "--to", other)
    assert keys(url) == []
    assert printed("cat", other, "b", "c") == "valuevalue"


def test_a_session_keeps_the_time_that_it_has(redis_server: Any, other: str) -> None:
    url = redis_server.url()
    printed("put", url, "mkv-session-a", "--ttl", "3600", input=b"value")

    printed("mv", url, "mkv-session-a", "mkv-session-b", "--to", other)
    with get_store_from_url(other) as store:
        assert with_ttl(store).get("mkv-session-b") == b"value"
        assert 3590 < (with_ttl(store).ttl("mkv-session-b") or 0) <= 3600
    printed("mv", other, "mkv-session-b", "mkv-session-a", "--to", url)
    facts = json.loads(printed("stat", "--json", url, "mkv-session-a"))
    assert 3590 < facts["ttl"] <= 3600


def test_an_expiry_that_is_lost_is_told(folder: str, redis_server: Any) -> None:
    printed("put", folder, "mkv-cache-a", "--ttl", "3600", input=b"value")

    result = run("cp", folder, "mkv-cache-a", "plain")

    assert result.exit_code == 0
    assert result.stderr.startswith("Note: 'plain' does not expire in <HFilesystem")
    assert printed("cat", folder, "plain") == "value"
    printed("cp", folder, "mkv-cache-a", "plain", "--to", redis_server.url())


@pytest.mark.parametrize("kind", ["files", "redis"])
def test_moving_to_where_it_is_already_loses_nothing(
    kind: str, folder: str, redis_server: Any
) -> None:
    url = folder if kind == "files" else redis_server.url()
    inner = f"{url}#wrap:prefix(in-)"
    printed("put", url, "in-a", input=b"value")

    for command in (
        ["mv", url, "in-a", "in-a", "--to", url],
        ["mv", inner, "a", "in-a", "--to", url],
        ["mv", url, "in-a", "a", "--to", inner],
    ):
        result = run(*command)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "nothing was moved" in result.stderr
        assert printed("cat", url, "in-a") == "value"


def test_another_value_is_replaced_by_a_move(folder: str, other: str) -> None:
    printed("put", folder, "a", input=b"value")
    printed("put", other, "a", input=b"older")

    printed("mv", folder, "a", "a", "--to", other)

    assert printed("cat", other, "a") == "value"
    assert keys(folder) == []


def test_a_key_that_the_target_cannot_have_is_wrong_usage(
    folder: str, tmp_path: Path
) -> None:
    printed("put", folder, "a/b", input=b"value")

    result = run("mv", folder, "a/b", "a/b", "--to", f"fs://{tmp_path}/flat")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert keys(folder) == ["a/b"]
