"""What docs/django.md says of options, checks, costs and django-storages, compared."""

import inspect
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from django.conf import global_settings
from django.core.files.base import ContentFile
from django.core.management import load_command_class

from minimalkv_django import checks
from minimalkv_django._old_settings import OLD_SETTINGS
from minimalkv_django._static_uploads import WORKERS
from minimalkv_django._storage_listing import _AT_ONCE, KNOWN_SECS
from minimalkv_django.staticfiles import KVStaticFilesStorage
from minimalkv_django.storage import KVStorage
from minimalkv_django.uploads import attach, direct_upload, stream_uploads
from tests.net.backend import Backend, one_of
from tests.pages import GUIDES, ROOT, blocks, column, prose, read, spans, tables
from tests.proxy import Proxy

PAGE: Final = "docs/django.md"

# Options and settings.


def defaults(first: str) -> dict[str, str]:
    return {name: row[1].strip("`") for name, row in column(PAGE, first).items()}


def known(function: Callable[..., Any]) -> dict[str, str]:
    """Return the arguments that have a default, with it."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: repr(p.default) for p in parameters if p.default is not p.empty}


def test_every_option_of_a_storage_is_documented_with_its_default() -> None:
    assert defaults("option") == known(KVStorage)
    in_words = {"store": "the alias `staticfiles`, else `default"}
    in_words["base_url"] = "STATIC_URL"
    assert defaults("static option") == {**known(KVStaticFilesStorage), **in_words}


def test_every_argument_for_uploads_is_documented_with_its_default() -> None:
    assert {"view": "None", **defaults("argument")} == known(stream_uploads)
    assert defaults("argument of `direct_upload`") == known(direct_upload)
    shown = ", ".join(f"{name}={default}" for name, default in known(attach).items())
    assert f"`attach(token, *, {shown})`".replace("'", '"') in prose(PAGE)


def test_what_both_pages_say_of_a_setting_is_the_same() -> None:
    here, there = (column(page, "setting") for page in (PAGE, "docs/sessions.md"))
    assert set(here) == {f"MINIMALKV_{name}" for name in ("URL", "STORES", "OBSERVER")}
    assert {name: there[name] for name in here} == here
    assert set(OLD_SETTINGS) <= {*spans(prose(PAGE))}


def test_every_setting_of_django_about_files_is_told_of() -> None:
    (table,) = (t for t in tables(PAGE) if t.header[0] == "Django's setting")
    told = {name: row[1] for row in table.rows for name in spans(row[0])}
    usual = vars(global_settings)
    assert set(told) <= set(usual)
    about = re.compile(r"(FILE|DATA)_UPLOAD_\w+|MEDIA_\w+|STORAGES|SECRET_KEY\w*")
    assert {name for name in usual if about.fullmatch(name)} <= set(told)
    sources = "".join(p.read_text() for p in ROOT.glob("minimalkv_django/*.py"))
    unread = {name for name, text in told.items() if text.startswith("Not read")}
    used = {name for name in told if f"settings.{name}" in sources}
    assert unread
    assert not unread & used
    assert {name for name in told if name.startswith("DATA_")} <= used


# Checks and commands.


def modules_of_checks() -> list[ModuleType]:
    """Return the modules whose checks are connected, besides `checks` itself."""
    source = inspect.getsource(checks.connect)
    found = re.findall(r"from (minimalkv_django\.\w+) import", source)
    assert found
    return [import_module(name) for name in found]


def test_every_check_is_documented_and_no_other() -> None:
    rows = column(PAGE, "check")
    found: set[str] = set()
    listed: dict[str, str] = {}
    for module in [checks, *modules_of_checks()]:
        told = module.__doc__ or ""
        found |= set(
            re.findall(
                r'"(minimalkv\.[EW]\d+)"', inspect.getsource(module).replace(told, "")
            )
        )
        listed |= dict(re.findall(r"^- ``([\w.]+)``: (.*)\.$", told, re.M))
    assert set(rows) == found == set(listed)
    assert all(row[2] for row in rows.values())
    assert {name: row[1].lower() for name, row in rows.items()} == {
        name: f"{text}.".lower().replace("``", "`") for name, text in listed.items()
    }


def test_every_check_that_a_page_mentions_is_there() -> None:
    text = "".join(map(read, GUIDES))
    ids = {f"minimalkv.{short}" for short in re.findall(r"\b([EW]0\d\d)\b", text)}
    assert ids == set(column(PAGE, "check"))


def test_every_command_line_of_the_page_is_right() -> None:
    lines = [
        shlex.split(line)
        for block in blocks(PAGE)
        if block.language == "sh"
        for line in block.text.splitlines()
        if not line.startswith("minimalkv ")  # tests/docs/test_samples.py reads it
    ]
    for tool, manage, command, *words in lines:
        assert (tool, manage) == ("python", "manage.py")
        parser_of(command).parse_args(words)
    assert len(lines) > 2


def parser_of(command: str) -> ArgumentParser:
    homes = {
        "check": "django.core",
        "collectstatic": "django.contrib.staticfiles",
        "clearsessions": "django.contrib.sessions",
        "minimalkv": "minimalkv_django",
    }
    return load_command_class(homes[command], command).create_parser("", command)


# Costs.


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    text = " ".join(prose(PAGE).split())
    assert "`listdir` of up to 999 files told is believed for 5 seconds" in text
    assert (_AT_ONCE, KNOWN_SECS) == (999 + 1, 5)
    assert "each file that it stores, eight at a time" in text
    assert WORKERS == 8


backend = one_of("s3")
Use = Callable[[KVStorage], object]


@pytest.fixture
def proxied(backend: Backend) -> Iterator[tuple[KVStorage, Proxy]]:
    url = backend.url(conditional=True)
    with (
        Proxy(backend.server.port, settle_secs=0) as proxy,
        backend.opened(url, proxy.port) as store,
    ):
        storage = KVStorage(store, location="media")
        storage.save("old", ContentFile(bytes(2**18)))
        yield storage, proxy


def write(storage: KVStorage) -> None:
    with storage.open("new", "wb") as file:
        file.write(b"1")


def read_all(storage: KVStorage) -> None:
    with storage.open("old") as file:
        assert len(file.read()) == 2**18


def read_end(storage: KVStorage) -> None:
    with storage.open("old") as file:
        file.seek(-2, io.SEEK_END)
        assert file.read() == bytes(2)


def list_and_look(storage: KVStorage) -> None:
    storage.listdir("")
    assert storage.size("old") == 2**18
    assert storage.get_modified_time("old")


USES: Final[dict[str, tuple[list[Use], int]]] = {
    # With how many of the requests are those of the measurement.
    '`save` up to 4 MiB, or `open(…, "wb")`': (
        [lambda s: s.save("a", ContentFile(bytes(4 * 2**20))), write],
        0,
    ),
    "`save` under a name that is taken": (
        [lambda s: s.save("old", ContentFile(b"1"))],
        0,
    ),
    "`open` and read up to 256 KiB": ([read_all], 0),
    "`open`, seek to the end, and read": ([read_end], 0),
    "`exists` of a file": ([lambda s: s.exists("old")], 0),
    "`exists` of nothing": ([lambda s: s.exists("none")], 0),
    "`size`, `get_modified_time`": (
        [lambda s: s.size("old"), lambda s: s.get_modified_time("old")],
        0,
    ),
    "the same after `listdir`": ([list_and_look], 1),
    "`listdir`": ([lambda s: s.listdir("")], 0),
    "`delete`": ([lambda s: s.delete("old")], 0),
    "`url`": ([lambda s: s.url("old")], 0),
}


@pytest.mark.parametrize("call", USES)
def test_calls_cost_what_is_documented(
    proxied: tuple[KVStorage, Proxy], call: str
) -> None:
    storage, proxy = proxied
    (table,) = (t for t in tables(PAGE) if t.header == ["call", "requests"])
    told = {row[0]: int(row[1]) for row in table.rows}
    assert told.keys() == USES.keys()
    uses, ours = USES[call]
    for use in uses:
        proxy.reset_counts()
        use(storage)
        assert len(proxy.requests) - ours == told[call], proxy.methods


# Moving.

# Settings of Django itself that django-storages reads.
OF_DJANGO: Final = {"FILE_UPLOAD_TEMP_DIR", "USE_TZ"}


@pytest.mark.parametrize(
    ("service", "module"),
    [("S3", "s3"), ("Azure", "azure_storage"), ("Google", "gcloud")],
)
def test_every_setting_of_django_storages_is_told_of(service: str, module: str) -> None:
    spec = find_spec("storages")
    assert spec is not None
    (home,) = spec.submodule_search_locations or [""]
    source = Path(home, "backends", f"{module}.py").read_text()
    settings = set(re.findall(r'setting\(\s*"([A-Z][A-Z0-9_]+)"', source)) - OF_DJANGO
    (table,) = (t for t in tables(PAGE) if t.header[0] == f"setting of {service}")
    assert {name for row in table.rows for name in spans(row[0])} == settings
    assert all(row[1] for row in table.rows)
