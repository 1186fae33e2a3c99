"""``put``, ``get``, ``cat`` and ``stat``."""

import json
import os
import re
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from minimalkv import get_store_from_url
from minimalkv._cli._output import binary_stdout
from tests.cli.running import PROGRAM, printed, program_environment, run, start

BINARY = bytes(range(256)) * 3 + b"\r\n\x00"


def test_a_value_comes_back_byte_by_byte(url: str, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(BINARY)

    assert printed("put", url, "a/b c", str(tmp_path / "given")) == ""
    assert printed("put", url, "piped", input=BINARY[::-1]) == ""
    printed("get", url, "a/b c", str(tmp_path / "taken"))

    assert (tmp_path / "given").read_bytes() == BINARY
    assert (tmp_path / "taken").read_bytes() == BINARY
    assert run("get", url, "piped").stdout_bytes == BINARY[::-1]
    assert run("cat", url, "piped", "a/b c").stdout_bytes == BINARY[::-1] + BINARY


def test_get_into_a_folder_takes_the_last_part_of_the_key(
    folder: str, tmp_path: Path
) -> None:
    printed("put", folder, "photos/cat.png", input=b"cat")

    printed("get", folder, "photos/cat.png", str(tmp_path))

    assert (tmp_path / "cat.png").read_bytes() == b"cat"


def test_get_into_a_folder_that_is_not_there_is_one_line(
    folder: str, tmp_path: Path
) -> None:
    printed("put", folder, "a", input=b"a")

    result = run("get", folder, "a", f"{tmp_path}/missing/a")

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}/missing/a: there is no folder '{tmp_path}/missing'.\n"
    )


def test_get_of_a_missing_key_leaves_the_file_as_it_was(
    url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("old")

    result = run("get", url, "missing", str(tmp_path / "file"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: No value is stored under the key 'missing'.\n"
    assert (tmp_path / "file").read_text() == "old"


def test_cat_writes_what_is_there_and_tells_what_is_not(folder: str) -> None:
    printed("put", folder, "a", input=b"a")
    printed("put", folder, "b", input=b"b")

    result = run("cat", folder, "a", "missing", "b")

    assert (result.exit_code, result.stdout) == (1, "ab")
    assert "'missing'" in result.stderr


def test_put_of_a_missing_file_is_one_line(folder: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    result = run("put", folder, "a", missing)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {missing}: No such file or directory\n"
    assert printed("ls", folder) == ""


def test_put_if_absent_leaves_what_is_there(url: str) -> None:
    printed("put", url, "a", "--if-absent", input=b"first")

    for option in ("--if-absent", "--no-clobber"):
        result = run("put", url, "a", option, input=b"second")
        assert (result.exit_code, "'a'" in result.stderr) == (1, True)
    assert printed("cat", url, "a") == "first"


def test_a_content_type_and_headers_are_kept_where_they_can_be(url: str) -> None:
    options = ["--content-type", "text/x-own", "--header", "cache-control: no-store"]
    result = run("put", url, "a.txt", *options, input=b"")

    facts = json.loads(printed("stat", url, "a.txt", "--json"))
    assert result.exit_code == 0
    if result.stderr:
        assert result.stderr.startswith("Note: this store keeps no content type")
        assert facts["content_type"] == "text/plain"
    else:
        assert facts["content_type"] == "text/x-own"
        assert facts["headers"] == {"Cache-Control": "no-store"}


@pytest.mark.parametrize(
    ("header", "code"), [("no colon", 2), ("X-Other: value", 1), ("Cache-Control:", 1)]
)
def test_a_header_that_no_store_keeps_is_refused(
    folder: str, header: str, code: int
) -> None:
    result = run("put", folder, "a", "--header", header, input=b"")

    assert (result.exit_code, result.stderr.count("\n")) == (code, 1)
    assert printed("ls", folder) == ""


def test_stat_tells_all_that_the_store_knows(url: str) -> None:
    printed("put", url, "a.txt", input=b"four")
    with get_store_from_url(url) as store:
        meta = store.head("a.txt")

    facts = json.loads(printed("stat", url, "a.txt", "--json"))
    told = dict(
        line.split(":", maxsplit=1)
        for line in printed("stat", url, "a.txt").splitlines()
    )

    assert set(facts) == {*meta._fields, "ttl"}
    assert facts["etag"] == meta.etag == told["etag"].strip()
    assert (facts["size"], told["size"].strip()) == (4, "4 (4 B)")
    assert (facts["ttl"], facts["expires"]) == (None, None)
    assert told["expires"].strip() == "never"


def test_the_time_to_live_is_told_where_values_expire(redis_server: object) -> None:
    url: str = redis_server.url()  # type: ignore[attr-defined]  # a fixture's
    printed("put", url, "a", "--ttl", "3600", input=b"")

    facts = json.loads(printed("stat", url, "a", "--json"))

    assert 3590 < facts["ttl"] <= 3600
    assert "(in 59m " in printed("stat", url, "a")
    assert "59m " in printed("ls", "-l", url)


def test_a_value_that_cannot_expire_is_not_stored(folder: str) -> None:
    result = run("put", folder, "a", "--ttl", "60", input=b"")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "#wrap:ttl" in result.stderr
    assert printed("ls", folder) == ""
    printed("put", f"{folder}#wrap:ttl", "a", "--ttl", "60", input=b"value")
    assert printed("cat", f"{folder}#wrap:ttl", "a") == "value"


def test_a_pipe_of_any_size_is_stored_in_bounded_memory(folder: str) -> None:
    size = 64 * 2**20
    most = []
    with start("put", folder, "large") as process:
        assert process.stdin is not None
        for _ in range(size // 2**20):
            process.stdin.write(os.urandom(2**20))
            process.stdin.flush()
            most.append(most_memory(process.pid))
        process.stdin.close()
        assert process.wait() == 0

    assert json.loads(printed("stat", folder, "large", "--json"))["size"] == size
    assert most[-1] - most[size // 2**20 // 10] < 8 * 2**20


def most_memory(pid: int) -> int:
    """Return the most bytes of memory that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_a_closed_standard_output_is_no_problem(folder: str, closed: str) -> None:
    def run_closed(*arguments: str) -> int:
        return subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, *arguments],
            check=False,
            input=b"value",
            env=program_environment(),
        ).returncode

    assert run_closed("put", folder, "a") == 0
    assert run_closed("ls", folder) == 0
    assert run_closed("cat", folder, "missing") == 1
    assert printed("cat", folder, "a") == "value"


def test_a_closed_standard_input_is_told(folder: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM, "put", folder, "a"],
        check=False,
        capture_output=True,
        env=program_environment(),
    )

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no standard input" in done.stderr


@pytest.mark.parametrize(
    "value", [b"a" + "é".encode() * 1_500_000, "Ä".encode(), b"cut off \xc3"]
)
def test_text_output_takes_values_too(
    folder: str, monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with get_store_from_url(folder) as store, binary_stdout() as binary:
        store.put("a", value)
        store.get_file("a", binary)

    assert out.getvalue() == value.decode(errors="surrogateescape")
