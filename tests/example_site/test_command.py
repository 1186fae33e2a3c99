"""Starting and stopping the example site, and its secret key."""

import re
import signal
import stat
import subprocess
import sys
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from example_site.__main__ import main, read_options
from example_site.both import ABSOLUTE_LIFETIME, IDLE_LIFETIME
from example_site.flask_app import secret_key
from minimalkv import StoreURL, get_store_from_url
from tests.backends.base import StoreServer
from tests.backends.process import HOST, free_ports
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.serving import SERVERS

ROOT = Path(__file__).parents[2]


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


def test_the_site_is_one_application_for_any_server(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from example_site.site import create_site\n"
        "site = create_site('memory://', sys.argv[1])\n"
        "for path in ('/photos', '/django/'):\n"
        "    print(site.test_client().get(path).location)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    result = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
    )

    assert (result.stdout, result.stderr) == ("/sign-in\n/django/sign-in\n", "")


# The command.


def test_every_store_of_the_readme_opens() -> None:
    text = (ROOT / "example_site" / "README.md").read_text()
    urls = re.findall(r"^\| [^|]+ \| `(\w+://[^`]*)`", text, re.M)

    assert len(urls) == 7
    for url in urls:
        with get_store_from_url(url) as store:
            assert store.conditional_support, url


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


def message_of(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that the site ends with where it cannot use a store."""
    options = ["--port", "0", "--store", url, "--instance", str(tmp_path / "instance")]
    assert main(options) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("example_site: ")
    assert len(written.err.splitlines()) == 1
    return written.err


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_a_port_where_nobody_listens_is_named_in_one_sentence(
    server: StoreServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{HOST}:{port}")

    message = message_of(server.through(server.url(), port), tmp_path, capsys)

    assert f"{HOST}:{port}" in message
    assert re.search("cannot be reached|impossible to connect|refused", message)


@pytest.mark.parametrize("server", SERVERS[:-1], indirect=True)
def test_a_wrong_secret_is_told_in_one_sentence_that_does_not_hold_it(
    server: StoreServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = b64encode(b"never to be shown").decode()
    wrong = server.credentials._replace(secret=secret)

    message = message_of(server.url(credentials=wrong), tmp_path, capsys)

    assert re.search("password|secret key|account key", message)
    assert secret not in message


@pytest.mark.parametrize("server", SERVERS[1:], indirect=True)
def test_a_missing_bucket_is_named_in_one_sentence(
    server: StoreServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.url(create=False, create_if_missing=False)

    message = message_of(url, tmp_path, capsys)

    assert f"'{server.namespace(url)}'" in message
    assert "create_if_missing" in message


def test_a_store_that_may_only_be_read_is_refused_before_anybody_visits(
    redis_server: RedisServer,
    s3_server: S3Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    redis = redis_server.url(credentials=redis_server.reader)
    s3 = s3_server.url(credentials=s3_server.reader)

    assert "may not run 'set'" in message_of(redis, tmp_path, capsys)
    assert "s3:PutObject" in message_of(s3, tmp_path, capsys)


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_the_command_says_where_the_data_is_and_leaves_nothing_of_its_own_there(
    server: StoreServer, tmp_path: Path
) -> None:
    url = server.url(create=False)
    arguments = ["--port", "0", "--store", url, "--instance", str(tmp_path)]
    command = [sys.executable, "-W", "error", "-m", "example_site", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    ) as site:
        assert site.stdout is not None
        told = [site.stdout.readline() for _ in range(2)]
        site.terminate()
        rest, errors = site.communicate(timeout=60)

    assert told[0].startswith("Serving on http://127.0.0.1:")
    assert told[1] == f"All its data is in {StoreURL(url)}. Ctrl-C stops.\n"
    assert (site.returncode, rest, errors) == (0, "", "")
    with get_store_from_url(url) as store:
        assert store.keys() == []


@pytest.mark.parametrize("option", ["--idle", "--absolute"])
@pytest.mark.parametrize("time", ["", "0m", "5", "1.5h", "-1d", "1w", "9999999d"])
def test_a_wrong_lifetime_is_a_usage_error(
    option: str, time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"{option}={time}"])

    assert "invalid lifetime value" in capsys.readouterr().err


def test_lifetimes_are_those_of_the_options() -> None:
    options = read_options(["--idle", "30m", "--absolute", "12h"])

    assert options.idle == timedelta(minutes=30)
    assert options.absolute == timedelta(hours=12)
    assert read_options([]).idle == IDLE_LIFETIME
    assert read_options([]).absolute == ABSOLUTE_LIFETIME


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
