"""What docs/sessions.md says of settings, calls and commands, compared."""

import ast
import inspect
import re
from datetime import timedelta
from typing import Final, cast

import click
import pytest
from django.conf import global_settings
from flask import Flask

from minimalkv._cli import COMMANDS
from minimalkv._sessions import codec
from minimalkv._sessions.session import Session
from minimalkv.sessions import SessionManager
from minimalkv_django import checks
from minimalkv_django._commands import group
from minimalkv_flask import KVSessionExtension, KVSessionInterface, MinimalKV, legacy
from minimalkv_flask.cli import kv
from tests.clicking import usages
from tests.pages import (
    CACHE_HOME,
    ROOT,
    UPLOAD_HOMES,
    column,
    public_names,
    spans,
    tables,
)

PAGE: Final = "docs/sessions.md"

# Settings of Django that only its own engines use.
OF_OTHER_ENGINES: Final = {"SESSION_CACHE_ALIAS", "SESSION_FILE_PATH"}

# Settings.


def texts(package: str) -> set[str]:
    """Return the names of settings that the code of a package has as text."""
    sources = [path.read_text() for path in (ROOT / package).rglob("*.py")]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    found = [n.value for n in nodes if isinstance(n, ast.Constant)]
    name = re.compile(
        r"(?:FLASK_)?(?:MINIMALKV|SESSION|SECRET_KEY|UPLOADS)_[A-Z_]*[A-Z]"
    )
    return {t for t in found if isinstance(t, str) and name.fullmatch(t)}


def settings_of(module: object) -> dict[str, object]:
    names = re.compile(r"SESSION_\w+|SECRET_KEY\w*|PERMANENT_\w+")
    found = vars(module) if inspect.ismodule(module) else dict(module)  # type: ignore[call-overload]
    return {name: value for name, value in found.items() if names.fullmatch(name)}


def test_every_setting_of_flask_is_documented_and_no_other() -> None:
    rows = column(PAGE, "configuration")
    own = texts("minimalkv_flask") - {"MINIMALKV_SESSION_STORE"}
    assert {*rows, *column("docs/flask.md", "configuration")} == own
    told = {n: row[1] for n, row in column(PAGE, "Flask's setting").items()}
    usual = settings_of(Flask.default_config)
    assert told == {n: default(v) for n, v in usual.items() if n not in rows}


def test_every_setting_of_django_is_documented_and_no_other() -> None:
    rows = column(PAGE, "setting")
    own = {n for n in texts("minimalkv_django") if "MINIMALKV" in n}
    assert {*rows, *column("docs/django.md", "setting")} == own
    told = {n: row[1] for n, row in column(PAGE, "Django's setting").items()}
    usual = settings_of(global_settings)
    assert told == {
        name: default(value)
        for name, value in usual.items()
        if name not in OF_OTHER_ENGINES
    }


def default(value: object) -> str:
    days = value.days if isinstance(value, timedelta) else None
    return f"`{value!r}`" if days is None else f"`{days} days`"


@pytest.mark.parametrize("first", ["configuration", "setting"])
def test_every_setting_has_unit_default_and_meaning(first: str) -> None:
    for name, row in column(PAGE, first).items():
        assert all(row), name
        lives = name.endswith(("_LIFETIME", "_INTERVAL"))
        assert (row[1] == "seconds or `timedelta`") == lives, name
    for end, told in (("_OUTAGE", "`error`"), ("_STORE", "`sessions`")):
        (row,) = (r for n, r in column(PAGE, first).items() if n.endswith(end))
        assert row[2] == told


def test_the_defaults_are_those_of_the_code() -> None:
    app = Flask("defaults")
    app.secret_key = "secret"
    interface = KVSessionInterface("memory://")
    usual = interface.manager(app)
    assert (usual.absolute_secs, usual.touch_secs) == (None, None)
    assert not interface.is_anonymous_in_outages(app)
    app.config["SESSION_OUTAGE"] = "error"
    assert not interface.is_anonymous_in_outages(app)
    assert None in checks.OUTAGES
    assert {*spans(column(PAGE, "setting")["MINIMALKV_SESSION_OUTAGE"][1])} == {
        outage for outage in checks.OUTAGES if outage
    }


def test_every_keyword_is_documented_with_its_default() -> None:
    classes = {
        c.__name__: c for c in (KVSessionInterface, MinimalKV, KVSessionExtension)
    }
    told = {
        (cls, name, row[2].strip("`"))
        for name, row in column(PAGE, "keyword").items()
        for cls in spans(row[1])
    }
    assert told == {
        (name, parameter.name, repr(parameter.default))
        for name, cls in classes.items()
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def test_every_argument_of_the_manager_is_documented_with_its_default() -> None:
    rows = column(PAGE, "argument")
    parameters = inspect.signature(SessionManager).parameters
    assert list(rows) == list(parameters)
    words = {"store": "must be given", "serializer": "our JSON"}
    for name, parameter in parameters.items():
        assert rows[name][1] == words.get(name, f"`{parameter.default}`")
        assert ("in seconds" in rows[name][2]) == name.endswith("_secs")


def test_every_reader_is_documented_with_its_keywords() -> None:
    (table,) = (t for t in tables(PAGE) if t.header[0] == "reader")
    told, reader = {}, ""
    for row in table.rows:
        reader = "".join(spans(row[0])) or reader
        told[reader, row[1].strip("`")] = row[2].strip("`")
    assert {name for name, _ in told} == set(legacy.__all__)
    expected = {("FlaskCookie", ""): ""}
    for name in legacy.__all__:
        parameters = inspect.signature(getattr(legacy, name)).parameters.values()
        for p in (p for p in parameters if p.kind is p.KEYWORD_ONLY):
            given = p.default is p.empty
            expected[name, p.name] = "must be given" if given else repr(p.default)
    assert told == expected


# Calls and names.


@pytest.mark.parametrize(
    ("first", "cls"), [("call", SessionManager), ("of a session", Session)]
)
def test_every_call_is_documented_with_its_arguments(first: str, cls: type) -> None:
    rows = column(PAGE, first)
    public = {n for n in vars(cls) if not n.startswith("_")}
    assert {usage.partition("(")[0] for usage in rows} == public | (
        {"id"} if cls is Session else set()
    )
    for usage in rows:
        name, _, arguments = usage.partition("(")
        if arguments:
            known = inspect.signature(getattr(cls, name))
            plain = [
                p.replace(annotation=p.empty)
                for p in known.parameters.values()
                if p.name != "self"
            ]
            expected = known.replace(parameters=plain, return_annotation=known.empty)
            assert f"({arguments}" == str(expected), usage


def test_every_name_is_documented_with_where_it_is_from() -> None:
    (table,) = (t for t in tables(PAGE) if t.header[0] == "name")
    told = {
        (name, home)
        for row in table.rows
        for name in spans(row[0])
        for home in spans(row[1])
    }
    elsewhere = {*UPLOAD_HOMES, CACHE_HOME}
    there = {found for found in public_names() if found[1] not in elsewhere}
    assert told <= there
    homes = ("minimalkv_flask", "minimalkv_django", "minimalkv.sessions")
    assert {n for n, home in there if home.startswith(homes)} == {n for n, _ in told}


def test_every_type_that_a_session_may_hold_is_documented() -> None:
    (table,) = (t for t in tables(PAGE) if t.header[0] == "type")
    told = {name for row in table.rows for name in spans(row[0])}
    kinds = cast("set[type]", codec._PLAIN | {dict, list})
    plain = {kind.__name__ for kind in kinds}
    tagged = {kind.__name__ for kind in codec._WRITERS}
    assert told == (plain - {"NoneType"}) | {"None", "Markup"} | tagged


# Commands and checks.


@pytest.mark.parametrize("group", [kv, group], ids=["flask", "django"])
def test_every_command_is_documented_and_no_other(group: click.Group) -> None:
    told = set(column(PAGE, "command"))
    framework = "flask" if group is kv else "django"
    of_uploads = set(column(f"docs/{framework}.md", "command"))
    assert all(usage.startswith("uploads ") for usage in of_uploads)
    own = {n: c for n, c in group.commands.items() if c not in COMMANDS}
    assert set(usages(click.Group(commands=own))) == told | of_uploads
    assert {*group.commands.values()} >= {*COMMANDS}
