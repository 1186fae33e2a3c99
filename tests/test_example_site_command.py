"""Starting and stopping the example site, and its secret key."""

import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from example_site.__main__ import main
from example_site.flask_app import secret_key

ROOT = Path(__file__).parents[1]


def test_the_secret_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first = secret_key(tmp_path / "instance")

    assert secret_key(tmp_path / "instance") == first
    assert len(first) >= 32
    file = tmp_path / "instance" / "secret_key"
    assert file.read_bytes() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_at_once_get_the_same_secret_key(tmp_path: Path) -> None:
    # Each says that it is ready, and all go on when their input is closed.
    program = (
        "import sys\n"
        "from example_site.flask_app import secret_key\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "print(secret_key(sys.argv[1]).decode())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "instance")]
    pipe = subprocess.PIPE
    children = [
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    keys = []
    for child in children:
        with child:
            assert child.stdout is not None
            keys.append(child.stdout.read())

    assert len(set(keys)) == 1
    assert len(keys[0]) > 32


# The command.


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "example_site", *arguments]
    return subprocess.run(
        [*command, "--instance", str(tmp_path / "instance")],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "A store URL has a scheme"),
        ("nothing://here", "nothing"),
        ("hfs://./data?colour=red", "colour"),
        ("hfs:///dev/null/data", "'/dev/null' is no folder"),
    ],
)
def test_a_wrong_store_is_one_sentence_and_exit_code_2(
    tmp_path: Path, url: str, message: str
) -> None:
    result = run(tmp_path, "--port", "0", "--store", url)

    assert result.returncode == 2
    assert result.stderr.startswith("example_site: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_wrong_port_is_a_usage_error(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--port", port])

    assert "invalid port value" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_says_where_it_is_and_stops_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["--port", "0", "--store", "memory://", "--instance", str(tmp_path)]
    command = [sys.executable, "-W", "error", "-m", "example_site", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        server.send_signal(number)
        _, errors = server.communicate(timeout=60)

    assert re.fullmatch(r"Serving on http://127\.0\.0\.1:\d+\n", line)
    assert (server.returncode, errors) == (0, "")
