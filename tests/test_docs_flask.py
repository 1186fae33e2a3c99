"""What docs/flask.md says of settings, sets, groups and moving, compared."""

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any, Final

from flask import Flask

from minimalkv_flask import MinimalKV, uploads
from minimalkv_flask.uploads import DEFAULTS, AllExcept, UploadSet
from tests.pages import ROOT, column, prose, spans, tables

PAGE: Final = "docs/flask.md"

# Settings.


def words_of_settings() -> set[str]:
    """Return the settings of a set, by the words that the code asks for."""
    tree = ast.parse((ROOT / "minimalkv_flask/_upload_config.py").read_text())
    asked = {
        (call.func.attr, call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }
    beginnings = {"get": "UPLOADED_<SET>_", "default": "UPLOADS_DEFAULT_"}
    return {
        f"{beginnings[method]}{word}"
        for method, word in asked
        if method in beginnings and word.isupper()
    }


def test_every_setting_of_a_set_is_documented_and_no_other() -> None:
    rows = column(PAGE, "setting")
    assert set(rows) == words_of_settings()
    assert all(all(row) for row in rows.values())


def test_what_both_pages_say_of_a_setting_is_the_same() -> None:
    here, there = (column(p, "configuration") for p in (PAGE, "docs/sessions.md"))
    both = set(here) & set(there)
    assert {name for name in both if here[name] != there[name]} == set()
    assert {"MINIMALKV_URL", "FLASK_MINIMALKV_URL", "MINIMALKV_STORES"} <= both


def test_the_defaults_are_those_of_the_code() -> None:
    app = Flask("defaults")
    app.config.update(MINIMALKV_URL="hmemory://", SECRET_KEY="secret")
    MinimalKV(app)
    (prefix,) = spans(column(PAGE, "configuration")["MINIMALKV_FILES_URL_PREFIX"][2])
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    assert sum(rule.startswith(f"{prefix}/") for rule in rules) == 2
    assert not [rule for rule in rules if rule.startswith("/_uploads/")]
    with app.app_context():
        config = UploadSet("photos").config
        store = app.extensions["minimalkv"].get("uploads")
    assert (config.store, config.prefix) == (store, "photos/")
    assert (config.base_url, config.max_bytes) == (None, None)
    assert (config.allow, config.deny) == ((), ())


# Sets.


def signature(function: Callable[..., Any]) -> str:
    """Return the arguments as the page writes them."""
    known = inspect.signature(function)
    shown = [
        p.replace(annotation=p.empty)
        for p in known.parameters.values()
        if p.name != "self"
    ]
    plain = known.replace(parameters=shown, return_annotation=known.empty)
    return str(plain).replace(repr(DEFAULTS), "DEFAULTS").replace("'", '"')


def test_every_argument_of_a_set_is_documented_with_its_default() -> None:
    assert f"`UploadSet{signature(UploadSet)}`" in prose(PAGE)
    known = inspect.signature(UploadSet).parameters.values()
    assert {
        name: row[1].strip("`") for name, row in column(PAGE, "argument").items()
    } == {
        p.name: "DEFAULTS" if p.default is DEFAULTS else repr(p.default) for p in known
    }


def test_every_method_of_a_set_is_documented_with_its_arguments() -> None:
    rows = column(PAGE, "method")
    public = {name for name in dir(UploadSet) if not name.startswith("_")}
    assert {usage.partition("(")[0] for usage in rows} == public - {"config"}
    for usage in rows:
        name, _, arguments = usage.partition("(")
        assert f"({arguments}" == signature(getattr(UploadSet, name)), usage


def test_every_group_is_documented_with_its_endings() -> None:
    rows = column(PAGE, "group")
    groups = {
        name: getattr(uploads, name) for name in uploads.__all__ if name.isupper()
    }
    told = {name: tuple(spans(row[1])) for name, row in rows.items()}
    in_words = {"ALL", "DEFAULTS", "SOURCE"}
    assert told == {n: group for n, group in groups.items() if n not in in_words}
    all_of_them = told["TEXT"] + told["DOCUMENTS"] + told["IMAGES"] + told["DATA"]
    assert tuple(one for one in all_of_them if one not in ("plist", "xml")) == DEFAULTS
    assert isinstance(uploads.ALL, AllExcept)
    assert all(f"`{name}`" in prose(PAGE) for name in in_words)


# Moving.

# The public names of Flask-Reuploaded 1.4, besides the groups, and what its users call.
THERE: Final = (
    "TestingFileStorage UploadConfiguration addslash configure_uploads extension "
    "lowercase_ext config_for_set UploadNotAllowed patch_request_class save url path "
    "file_allowed extension_allowed get_basename resolve_conflict default_dest "
    "UPLOADED_<SET>_DEST UPLOADED_<SET>_URL UPLOADED_<SET>_ALLOW UPLOADED_<SET>_DENY "
    "UPLOADS_DEFAULT_DEST UPLOADS_DEFAULT_URL UPLOADS_AUTOSERVE IMAGES destination"
)


def test_every_name_of_flask_uploads_is_told_of() -> None:
    (table,) = (t for t in tables(PAGE) if t.header == ["there", "here"])
    told = {
        word
        for row in table.rows
        for span in spans(" ".join(row))
        for word in re.findall(r"[\w<>]+", span)
    }
    assert set(THERE.split()) <= told
