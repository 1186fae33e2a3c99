"""The commands of Django and Flask, on the store of the example site."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from minimalkv import StoreURL
from tests.backends.redis import RedisServer
from tests.example_site.pictures import PNG
from tests.example_site.visitor import FLASK, Visitor, open_site, store_of

ROOT = Path(__file__).parents[2]


def manage(
    tmp_path: Path, url: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of Django, on the store that the environment names."""
    instance = str(tmp_path / "instance")
    named = {"EXAMPLE_SITE_STORE": url, "EXAMPLE_SITE_INSTANCE": instance}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "example_site.manage", *arguments],
        cwd=ROOT,
        env=os.environ | named,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_commands_of_django_look_after_the_sessions_of_the_site(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    url = redis_server.url()
    app = open_site(url, tmp_path)
    with store_of(app):
        visitor = Visitor(app).sign_in("Ada")

        assert manage(tmp_path, url, "check").returncode == 0
        listed = manage(tmp_path, url, "minimalkv", "sessions", "list")
        assert listed.stdout.endswith("  Ada\n"), listed
        manage(tmp_path, url, "minimalkv", "sessions", "revoke", "--user", "Ada")

        assert not visitor.is_known_at(FLASK)


def test_no_command_prints_the_password_of_the_store(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    url = redis_server.url()
    secret = redis_server.credentials.secret
    quoted = quote(secret, safe="")
    assert quoted in url

    settings = manage(tmp_path, url, "diffsettings", "--all")
    helped = manage(tmp_path, url, "help")
    named = {"EXAMPLE_SITE_STORE": url}
    usage = subprocess.run(
        [sys.executable, "-m", "example_site", "--help"],
        cwd=ROOT,
        env=os.environ | named,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert settings.returncode == 0, settings.stderr
    assert str(StoreURL(url)) in settings.stdout
    assert str(StoreURL(url)) in usage.stdout
    for result in (settings, helped, usage):
        told = result.stdout + result.stderr
        assert secret not in told
        assert quoted not in told


def test_the_command_of_flask_deletes_what_was_sent_and_never_shown(
    tmp_path: Path,
) -> None:
    url = f"hfs://{tmp_path}/data"
    app = open_site(url, tmp_path)
    visitor = Visitor(app).sign_in()
    visitor.upload(PNG)
    (upload,) = visitor.begin(("a.png", len(PNG)))
    assert upload is not None
    visitor.put(upload, PNG)
    assert len(store_of(app).keys("photos/")) == 2

    site = f"example_site.site:create_site({url!r}, {str(tmp_path / 'instance')!r})"
    purge = ["kv", "uploads", "purge", "--hours", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", site, *purge],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("Files deleted: 1\n", "")
    assert len(store_of(app).keys("photos/")) == 1


def test_processes_that_start_at_once_make_the_tables_once(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from example_site.site import create_site\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "create_site('memory://', sys.argv[1])\n"
        "from example_site.models import Photo\n"
        "print(Photo.objects.count())\n"
    )
    pipe = subprocess.PIPE
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    told = []
    for child in children:
        with child:
            assert child.stdout is not None
            told.append(child.stdout.read())

    assert told == ["0\n"] * 4


def test_the_migrations_make_what_the_model_is(tmp_path: Path) -> None:
    made = manage(tmp_path, "memory://", "makemigrations", "--check", "--dry-run")

    assert (made.returncode, made.stdout) == (0, "No changes detected\n")


def test_a_command_on_a_wrong_store_is_one_sentence(tmp_path: Path) -> None:
    result = manage(tmp_path, "nothing://here", "check")

    assert result.returncode == 2
    assert result.stderr.startswith("example_site: ")
    assert len(result.stderr.splitlines()) == 1
