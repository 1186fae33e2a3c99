"""``minimalkv sync``: its exit codes, its lines and its summary."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from minimalkv import get_store_from_url
from minimalkv._cli.syncing import describe_progress
from minimalkv.cli import main
from minimalkv.sync import SyncProgress
from tests.sync.killing import Running


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, ["sync", *map(str, arguments)], env=environment)


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"hfs://{tmp_path}/source"
    with get_store_from_url(url) as store:
        store.put_many({"a": b"1", "b": b"22", "folder/c": b"333"})
    return url


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"hfs://{tmp_path}/target"


def test_what_was_done_is_told_in_one_line(source: str, target: str) -> None:
    result = run(source, target)
    assert result.exit_code == 0
    assert result.stdout.startswith("3 objects in the source, 3 copied (6 B), 0 there")
    assert "0 copied (0 B), 3 there already" in run(source, target).stdout


def test_a_script_gets_the_summary_as_json(source: str, target: str) -> None:
    result = run(source, target, "--json", "--verify")
    report = json.loads(result.stdout)
    assert (report["complete"], report["copied"], report["verified"]) == (True, 3, 3)
    assert report["problems"] == []


def test_what_cannot_be_copied_is_listed_and_the_exit_code_tells(source: str) -> None:
    result = run(source, "memory://", "--json")
    assert result.exit_code == 1
    problem = json.loads(result.stdout)["problems"][0]
    assert (problem["key"], problem["kind"]) == ("folder/c", "refused")
    assert "refused folder/c: 'folder/c' has '/'" in result.stderr
    assert "Not complete: 1 refused." in result.stderr


def test_a_dry_run_lists_what_would_be_done(source: str, target: str) -> None:
    with get_store_from_url(target) as store:
        store.put_many({"a": b"1", "old": b"9"})
    result = run(source, target, "--dry-run", "--delete")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert sorted(lines[:-1]) == ["copy b", "copy folder/c", "delete old"]
    assert "2 would be copied (5 B)" in lines[-1]
    assert "1 would be deleted" in lines[-1]
    with get_store_from_url(target) as store:
        assert sorted(store.keys()) == ["a", "old"]


def test_delete_makes_both_sides_equal(source: str, target: str) -> None:
    with get_store_from_url(target) as store:
        store.put("old", b"9")
    assert run(source, target, "--delete").exit_code == 0
    with get_store_from_url(target) as store:
        assert sorted(store.keys()) == ["a", "b", "folder/c"]


def test_quiet_prints_nothing_but_problems(source: str, target: str) -> None:
    result = run(source, target, "-q")
    assert (result.exit_code, result.output) == (0, "")
    result = run(source, "memory://", "-q")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "refused folder/c" in result.stderr


def test_a_mistyped_source_deletes_nothing(source: str, target: str) -> None:
    run(source, target)
    result = run(f"{source}-typo", target, "--delete")
    assert result.exit_code == 1
    assert "The source has nothing" in result.stderr
    with get_store_from_url(target) as store:
        assert len(store.keys()) == 3


def test_wrong_usage_has_another_exit_code(source: str, target: str) -> None:
    assert run(source, target, "--delete", "--missing-only").exit_code == 2
    assert run(source, target, "--workers", "0").exit_code == 2
    assert run(source).exit_code == 2


def test_an_unreachable_store_is_one_line_without_its_password(source: str) -> None:
    url = "redis://user:hunter2@127.0.0.1:1/0"
    for result in (run(source, url), run(source, "env:STORE", STORE=url)):
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "127.0.0.1:1" in result.stderr
        assert "hunter2" not in result.output


def test_a_terminal_gets_one_line_that_is_drawn_again(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    controller, terminal = os.openpty()
    with os.fdopen(controller, "rb", 0) as shown, os.fdopen(terminal, "wb", 0) as ours:
        running = Running(source, target, stderr=ours)
        assert running.wait()[0] == 0
        drawn = shown.read(10_000).decode()
    assert "\n" not in drawn
    first, *lines = drawn.split("\r\x1b[K")
    assert first == ""
    assert lines[-1] == "", "Nothing of it stays."
    assert any(line.startswith("copying 100% [####") for line in lines)
    assert max(map(len, lines)) == 39


def test_progress_shows_rate_and_remaining_time() -> None:
    progress = SyncProgress(
        phase="copying",
        done=250_000,
        total=1_000_000,
        done_bytes=2**30,
        total_bytes=2**32,
        copied=200_000,
        same=50_000,
        problems=2,
        per_sec=812.4,
        remaining_secs=3725.0,
        news=(),
        plans=(),
    )
    assert describe_progress(progress) == (
        "copying  25% [#####               ] 250,000 of 1,000,000, "
        "1.0 GiB of 4.0 GiB, 812/s, 1:02:05 left, problems: 2"
    )
    listing = progress._replace(phase="listing", done=12_345, total=0)
    assert describe_progress(listing) == "listing: 12,345 objects, 812/s"
