"""``flask kv``."""

import pytest
from click.testing import Result
from flask import Flask, session

from minimalkv.memory import DictStore
from minimalkv.sessions import SessionManager
from minimalkv_flask import KVSession, MinimalKV
from minimalkv_flask.cli import kv
from tests.flask.visitors import Visitor, make_app, regenerate
from tests.watched import WatchedStore

NAMES = ("sessions", "photos")


@pytest.fixture
def site(store: WatchedStore) -> Flask:
    app = make_app("memory://")
    app.config.update(MINIMALKV_STORES={"sessions": store, "photos": "memory://"})
    MinimalKV(app)
    return app


def sign_in(app: Flask, user: str) -> str:
    """Sign somebody in, and return the ref of the session."""

    def act() -> None:
        assert isinstance(session, KVSession)
        session["name"] = user
        session.bind(user)
        regenerate()

    visitor = Visitor(app)
    visitor.does(act)
    manager = SessionManager(app.config["MINIMALKV_STORES"]["sessions"])
    (ref,) = (found.ref for found in manager.list(user))
    return ref


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["kv", *arguments])


def test_check_asks_every_store(site: Flask) -> None:
    result = run(site, "check")

    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if line.startswith(NAMES)]
    names = [line.partition(":")[0] for line in lines]
    assert names == ["sessions", "photos", "sessions of this site"]


def test_sessions_are_printed_where_characters_are_lacking(site: Flask) -> None:
    ref = sign_in(site, "Zoë €")
    runner = site.test_cli_runner(charset="latin-1")

    for arguments in (["list"], ["show", ref]):
        result = runner.invoke(args=["kv", "sessions", *arguments])
        assert result.exit_code == 0
        assert "Zoë \\u20ac" in result.stdout_bytes.decode("latin-1")


def test_check_asks_only_what_is_named(site: Flask) -> None:
    result = run(site, "check", "photos")

    assert result.exit_code == 0
    assert result.output.startswith("photos: <DictStore>\n")
    assert "sessions:" not in result.output


def test_check_fails_when_a_store_does_not_answer(
    site: Flask, store: WatchedStore
) -> None:
    sign_in(site, "ada")  # or there is not even a folder
    store.fail()

    result = run(site, "check")

    assert result.exit_code == 1
    assert "sessions: <WatchedStore of <" in result.output
    assert "The store does not answer" in result.output
    assert "photos: <DictStore>" in result.output


def test_sessions_are_listed_and_counted(site: Flask) -> None:
    ada, bob = sign_in(site, "ada"), sign_in(site, "bob")

    lines = run(site, "sessions", "list").output.splitlines()

    assert {line.split()[0]: line.split()[-1] for line in lines} == {
        ada: "ada",
        bob: "bob",
    }
    assert run(site, "sessions", "list", "--user", "ada").output.split()[0] == ada
    assert run(site, "sessions", "count").output == "2\n"
    assert run(site, "sessions", "count", "--user", "bob").output == "1\n"


def test_show_prints_what_a_session_holds(site: Flask) -> None:
    ref = sign_in(site, "ada")

    assert run(site, "sessions", "show", ref).output == "name: 'ada'\n"
    missing = run(site, "sessions", "show", "0" * 64)
    assert (missing.exit_code, "There is no session 000" in missing.output) == (1, True)


def test_revoke_ends_sessions(site: Flask, store: WatchedStore) -> None:
    refs = [sign_in(site, "ada"), sign_in(site, "bob"), sign_in(site, "eve")]

    assert run(site, "sessions", "revoke", *refs[:2]).output == "Sessions ended: 2\n"
    result = run(site, "sessions", "revoke", "--user", "eve")
    assert result.output == "Sessions ended: 1\n"
    assert SessionManager(store).count() == 0


@pytest.mark.parametrize(
    "arguments", [[], ["--user", "ada", "0" * 64], ["../secret"], ["ADA"]]
)
def test_revoke_explains_what_it_needs(site: Flask, arguments: list[str]) -> None:
    result = run(site, "sessions", "revoke", *arguments)

    assert result.exit_code == 2
    assert "ref" in result.output


def test_purge_tells_how_many_records_it_deleted(site: Flask) -> None:
    sign_in(site, "ada")

    assert run(site, "sessions", "purge").output == "Records deleted: 0\n"


def test_an_outage_is_one_line(site: Flask, store: WatchedStore) -> None:
    ref = sign_in(site, "ada")
    store.failing = {"get"}

    result = run(site, "sessions", "show", ref)

    assert result.exit_code == 1
    assert result.output.startswith("Error: No session can be used")
    assert result.output.count("\n") == 1


def test_sessions_that_are_elsewhere_are_told_so() -> None:
    app = Flask(__name__)
    app.cli.add_command(kv)

    result = run(app, "sessions", "count")

    assert result.exit_code == 1
    assert "in no store of minimalkv" in result.output
    assert run(app, "check").exit_code == 0


def test_an_interface_alone_is_served_too() -> None:
    app = make_app(DictStore())
    app.cli.add_command(kv)
    Visitor(app).sets(name="Ada")

    assert run(app, "sessions", "count").output == "1\n"
    assert run(app, "check").output.startswith("sessions of this site: <DictStore>\n")
