"""The same commands below ``flask kv`` and ``manage.py minimalkv``."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from threading import Event

import pytest
from click.testing import Result
from django.core.management import CommandError, call_command
from flask import Flask
from pytest_django import Settings

from minimalkv._cli import COMMANDS
from minimalkv_django.stores import stores
from minimalkv_flask import MinimalKV
from tests.cli.running import printed, program_environment

MANAGE = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    INSTALLED_APPS=["minimalkv_django"],
    MINIMALKV_STORES={"default": "memory://", "uploads": "hfs://./uploads"},
)
execute_from_command_line(sys.argv)
"""
SECRET = "redis://someone:s3cr3t@127.0.0.1:1/0"


@pytest.fixture
def app(folder: str) -> Flask:
    app = Flask("site")
    app.config.update(
        SECRET_KEY="a key", MINIMALKV_URL="memory://", SESSION_STORE=False
    )
    app.config["MINIMALKV_STORES"] = {"uploads": folder, "broken": "redis://a:b:c"}
    MinimalKV(app)
    return app


def flask(app: Flask, *arguments: str, **options: str) -> Result:
    return app.test_cli_runner().invoke(args=["kv", *arguments], **options)


@pytest.fixture
def project(settings: Settings, folder: str) -> str:
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": folder}
    return folder


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command("minimalkv", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_flask_takes_aliases_and_urls(app: Flask, folder: str) -> None:
    printed("put", folder, "photos/a.png", input=b"a")

    for store in ("uploads", folder):
        result = flask(app, "ls", store, "photos/")
        assert (result.exit_code, result.output) == (0, "photos/a.png\n")
    assert flask(app, "put", "uploads", "b", input="text").exit_code == 0
    assert printed("cat", folder, "b") == "text"
    assert flask(app, "ls", "default").output == ""


@pytest.mark.parametrize("name", ["nothing", "broken", "redis:someone:s3cr3t@host"])
def test_flask_tells_which_aliases_there_are(app: Flask, name: str) -> None:
    result = flask(app, "ls", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert "s3cr3t" not in result.output


def test_flask_lists_all_commands(app: Flask) -> None:
    text = flask(app, "--help").output

    listed = text.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in listed]
    assert names == [*(c.name for c in COMMANDS), "sessions", "uploads"]


def test_flask_keeps_an_open_store_open(app: Flask) -> None:
    store = app.extensions["minimalkv"].get("default")
    store.put("a", b"kept")

    assert flask(app, "cat", "default", "a").output == "kept"
    assert store.get("a") == b"kept"


def test_django_takes_aliases_and_urls(project: str) -> None:
    printed("put", project, "photos/a.png", input=b"a")

    assert manage("ls", "uploads", "photos/") == "photos/a.png\n"
    assert manage("cat", project, "photos/a.png") == "a"
    assert manage("ls", "-l", "default") == ""


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["ls", "nothing"], "MINIMALKV_STORES has no 'nothing'", 2),
        (["cat", "uploads", "a"], "cat ended with 1", 1),
        (["get", "uploads", "a"], "No value is stored under the key 'a'", 1),
        (["nonsense"], "No such command 'nonsense'", 2),
        (["ls", "uploads", "a", SECRET], r"\*\*\*@127", 2),
    ],
)
def test_a_failure_is_a_command_error(
    project: str, arguments: list[str], message: str, code: int
) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        manage(*arguments)

    assert caught.value.returncode == code
    assert "s3cr3t" not in str(caught.value)
    assert stores["uploads"].keys() == []
    assert printed("ls", project) == ""


@pytest.mark.parametrize(
    "options",
    [
        [f"--store={SECRET}"],
        [f"-v{SECRET}"],
        ["-v", SECRET],
        [f"--verbosity={SECRET}"],
        ["-v", "redis://:s3cr3t'\"\\ x@h/0"],
    ],
    ids=str,
)
def test_what_django_says_of_its_options_has_no_secret(
    tmp_path: Path, options: list[str]
) -> None:
    with pytest.raises(CommandError, match=r"\*\*\*") as caught:
        call_command("minimalkv", *options, "ls", "memory://")
    assert "s3cr3t" not in str(caught.value)

    (tmp_path / "manage.py").write_text(MANAGE)
    done = subprocess.run(
        [sys.executable, "manage.py", "minimalkv", *options, "ls", "memory://"],
        cwd=tmp_path,
        env=program_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "***" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr


class Waiting(StringIO):
    """Waits in the middle of a command, for no longer than a moment."""

    def __init__(self, until: Event) -> None:
        super().__init__()
        self.until = until
        self.begun = Event()

    def write(self, text: str) -> int:
        self.begun.set()
        self.until.wait(0.3)
        return super().write(text)


def test_two_threads_leave_the_standard_output_as_it_was(project: str) -> None:
    printed("put", project, "a", input=b"a")
    before = sys.stdout
    is_over = Event()
    second = Waiting(is_over)
    first = Waiting(second.begun)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(call_command, "minimalkv", "ls", "uploads", stdout=first)
        one.add_done_callback(lambda _: is_over.set())
        assert first.begun.wait(10)
        other = pool.submit(call_command, "minimalkv", "ls", "uploads", stdout=second)
        one.result()
        other.result()

    assert sys.stdout is before
    assert (first.getvalue(), second.getvalue()) == ("a\n", "a\n")


def test_manage_lists_all_commands_and_hands_on_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(MANAGE)

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "manage.py", "minimalkv", *arguments],
            cwd=tmp_path,
            env=program_environment(),
            check=False,
            capture_output=True,
            text=True,
            input="text",
        )
        return done.returncode, done.stdout, done.stderr

    code, text, _ = run("--help")
    listed = text.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in listed]
    assert (code, names) == (0, [*(c.name for c in COMMANDS), "sessions", "uploads"])
    assert run("put", "uploads", "a") == (0, "", "")
    code, text, errors = run("cat", "uploads", "a", "b")
    assert (code, text, errors.count("\n")) == (1, "text", 1)
    code, text, errors = run("ls", "nothing")
    assert (code, text, errors.count("\n")) == (2, "", 1)


def test_manage_says_when_click_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [n for n in sys.modules if n.startswith("minimalkv_django._commands")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [n for n in sys.modules if n.startswith("minimalkv._cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "click", None)

    with pytest.raises(CommandError, match="needs click: pip install 'minimalkv"):
        manage("ls", "memory://")
