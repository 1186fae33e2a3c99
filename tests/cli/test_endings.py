"""How commands end: exit codes, signals, pipes, and no secret in any line."""

import os
import signal
import subprocess
from pathlib import Path

import click
import pytest

from minimalkv._cli._command import Command
from minimalkv._cli._options import store_argument
from minimalkv._localfiles import replacing
from minimalkv.cli import main
from minimalkv.memory import DictStore
from tests.backends.process import free_ports
from tests.cli.running import printed, program_environment, run, start

SECRET = "s3cr3t%2Fkey"
URL = f"s3://someone:{SECRET}@127.0.0.1:1/bucket"


@pytest.mark.parametrize(
    "arguments",
    [
        [URL],
        [f"--option={URL}"],
        ["ls"],
        ["ls", URL, "prefix", URL],
        ["ls", f"{URL}?colour=red"],
        ["ls", f"{URL}?timeout=x"],
        ["ls", URL.replace("s3:", "s4:")],
        ["ls", URL.replace("@", "@@")],
        ["ls", f"--{URL}", URL],
        ["bench", URL, "--seconds", URL],
        ["bench", URL, f"--seconds={URL}"],
        ["put", URL, "key", "--ttl", f"x{URL}"],
        ["cp", URL, "a", "b", "--to", f"{URL}?colour=red"],
        ["rm", URL],
        ["rm", URL, "--prefix", "p"],
        ["get", URL, "a\nb"],
        ["ls", "env:SECRET_URL", "prefix", URL],
        ["ls", "env:NOTHING"],
        ["ls", ""],
        ["ls", f"env:{URL}"],
        ["sync", URL, f"{URL}?colour=red"],
        ["sync", URL, URL, f"-j{URL}"],
    ],
    ids=str,
)
def test_wrong_usage_is_told_without_secrets(arguments: list[str]) -> None:
    result = run(*arguments, env={"SECRET_URL": f"{URL}?colour=red"})

    assert result.exit_code == 2, result.output
    assert "s3cr3t" not in result.output
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1


@pytest.mark.parametrize("command", [["ls"], ["cat", "k"], ["bench"], ["rm", "k"]])
def test_a_store_that_cannot_be_reached_is_one_line(command: list[str]) -> None:
    name, *rest = command
    (port,) = free_ports(1)
    url = f"redis://someone:{SECRET}@127.0.0.1:{port}/0?timeout=1"
    result = run(name, "env:STORE", *rest, env={"STORE": url})

    assert result.exit_code == 1
    assert (result.stdout.count("\n"), result.stderr.count("\n")) == (
        name == "bench",
        1,
    )
    assert "s3cr3t" not in result.output


def test_a_defect_shows_its_traceback_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command("broken", cls=Command)
    @store_argument
    @click.argument("text")
    def broken(store: object, text: str) -> None:
        raise RuntimeError(f"{store!r} cannot {text}")

    monkeypatch.setitem(main.commands, "broken", broken)

    result = run("broken", "memory://", URL)

    assert result.exit_code == 1
    assert "RuntimeError: <DictStore> cannot s3://***@127.0.0.1:1/bucket" in (
        result.stderr
    )
    assert "s3cr3t" not in result.output


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_put_that_is_ended_leaves_the_old_value(
    folder: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    printed("put", folder, "a", input=b"old")
    with start("put", folder, "a", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"new" * 2**20)  # more than fits into the pipe
        process.stdin.flush()
        process.send_signal(number)
        assert process.wait() == code
        assert process.stderr is not None
        assert process.stderr.read() == b""

    assert printed("cat", folder, "a") == "old"
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.name for path in files if ";" not in str(path)] == ["a"]
    assert not [path for path in files if "locks" not in str(path) and ";" in path.name]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_get_that_is_ended_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    class Ending(DictStore):
        def _get_filename(self, key: str, filename: str) -> object:
            with replacing(filename) as file:
                file.write(b"a part")
                file.flush()
                assert len(os.listdir(tmp_path)) == 2  # noqa: PTH208
                os.kill(os.getpid(), number)
                file.write(b"the rest")
            return key

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(
        "minimalkv._cli._store.get_store_from_url", lambda _: Ending({"a": b""})
    )

    assert run("get", "memory://", "a", str(tmp_path / "file")).exit_code == code
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


def test_a_reader_that_goes_ends_a_value_quietly(folder: str) -> None:
    printed("put", folder, "a", input=b"x" * 2**22)
    for command in ("cat", "get"):
        with start(command, folder, "a") as process:
            assert process.stdout is not None
            assert process.stdout.read(10) == b"x" * 10
            process.stdout.close()
            assert process.wait() == 141
            assert process.stderr is not None
            assert process.stderr.read() == b""


def test_a_full_disk_is_one_line(folder: str) -> None:
    printed("put", folder, "a", input=b"x" * 2**20)
    with open("/dev/full", "wb") as full, start("cat", folder, "a", stdout=full) as end:  # noqa: PTH123
        assert end.wait() == 1
        assert end.stderr is not None
        assert end.stderr.read() == b"Error: No space left on device\n"


def test_the_signal_handler_of_others_comes_back(folder: str) -> None:
    before = signal.getsignal(signal.SIGTERM)

    printed("ls", folder)

    assert signal.getsignal(signal.SIGTERM) is before
    assert program_environment()
