"""The pages of the documentation, taken apart, and what has to be on them."""

import builtins
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import minimalkv
import minimalkv.testing  # before its parts: it has their asserts rewritten
import minimalkv_django
import minimalkv_flask
from minimalkv._key_value_store import KeyValueStore
from minimalkv.decorator import StoreDecorator

ROOT: Final = Path(__file__).parent.parent
GUIDES: Final = ["README.md", *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
QUICKSTARTS: Final = ["docs/quickstart-flask.md", "docs/quickstart-django.md"]
REFERENCE: Final = sorted(f"docs/api/{p.name}" for p in ROOT.glob("docs/api/*.md"))
PAGES: Final = [*GUIDES, *REFERENCE, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]

# What the tables call the types of options, by what the messages expect.
TYPES: Final = {
    "true or false": "flag",
    "a whole number, at least 1": "count",
    "a whole number, at least 0": "index",
    "a number of seconds above 0, such as 2.5": "seconds",
    "seconds, or a pair of seconds such as (20,100)": "seconds or pair",
    "a number of bytes, such as 4*1024*1024": "bytes",
    "an octal mode up to 777, such as 640": "octal mode",
    "text on one line, not empty": "text",
    "text, not empty": "secret",
    "a name of letters, digits, dots, hyphens and underscores": "name",
    "http or https": "protocol",
    "a folder: text or a path, not empty, without NUL": "folder",
    "a host name or an IP address": "host",
    "a number from 1 to 65535": "port",
    "two or more pairs of a host and a port": "hosts",
    "a host name or an IP address, with a port or without": "endpoint",
    "given": "anything",
}


class Block(NamedTuple):
    """A fenced block, with the line that it begins on."""

    language: str
    text: str
    line: int


class Table(NamedTuple):
    """A table, with the heading that it stands under."""

    heading: str
    header: list[str]
    rows: list[list[str]]


def read(page: str) -> str:
    return (ROOT / page).read_text()


def blocks(page: str) -> list[Block]:
    text = read(page)
    fences = re.finditer(r"^ *```(.*)\n((?s:.*?))^ *```$", text, re.M)
    return [Block(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in fences]


def prose(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def tables(page: str) -> Iterator[Table]:
    heading, rows = "", []
    for line in [*prose(page).splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield Table(heading, rows[0], rows[2:])
            rows = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


def column(page: str, first: str, heading: str | None = None) -> dict[str, list[str]]:
    """Return the rows of all tables of a page whose first column has that name.

    The first code span of a row is its key.
    """
    found: dict[str, list[str]] = {}
    for table in tables(page):
        if table.header[0] == first and heading in (None, table.heading):
            assert all(len(row) == len(table.header) for row in table.rows), table
            keys = [spans(row[0])[0] for row in table.rows]
            assert len({*keys, *found}) == len(keys) + len(found), f"{first}: twice"
            found |= zip(keys, table.rows, strict=True)
    return found


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.M)
    names = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {name.strip().replace(" ", "-") for name in names}


def code(pages: list[str]) -> Iterator[str]:
    return (block.text for page in pages for block in blocks(page))


def modules() -> list[str]:
    names = []
    for package in (minimalkv, minimalkv_flask, minimalkv_django):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [package.__name__, *(module.name for module in found)]
    return names


def settings_of(thing: object) -> object:
    """Return all that a store, or a part of it, is made of, for a comparison."""
    if isinstance(thing, dict):
        return {name: settings_of(value) for name, value in thing.items()}
    if isinstance(thing, tuple | list):
        return [settings_of(value) for value in thing]
    if thing is None or isinstance(thing, str | bytes | int | float | type):
        return thing
    return [settings_of(part) for part in thing.__reduce_ex__(2)[1:3]]


def wrapper_classes() -> set[type]:
    names = ["decorator", "ttl", "cache", "crypt", "idgen", "migration", "observing"]
    homes = [importlib.import_module(f"minimalkv.{name}") for name in names]
    found = {getattr(home, name) for home in homes for name in home.__all__}
    return {c for c in found if isinstance(c, type) and issubclass(c, StoreDecorator)}


def hooks() -> set[str]:
    """Return what a backend may do its own way, each for a verb."""
    verbs = [name for name in dir(KeyValueStore) if not name.startswith("_")]
    found = {f"_{name}" for name in verbs if hasattr(KeyValueStore, f"_{name}")}
    others = {"_has_key", "_get_filename", "_put_filename", "_get_with_etag"}
    return found | {name for name in others if hasattr(KeyValueStore, name)}


def builtin_bases(cls: type) -> set[str]:
    """Return the most special built-in classes that an error is."""
    found = {base for base in cls.__mro__ if base.__module__ == builtins.__name__}
    return {
        base.__name__
        for base in found
        if not any(other is not base and issubclass(other, base) for other in found)
    }


def public_names() -> Iterator[tuple[str, str]]:
    for package, homes in _HOMES.items():
        for home in ("", *homes.split()):
            module = importlib.import_module(f"{package}{home}")
            yield from ((name, module.__name__) for name in module.__all__)


def public_modules() -> set[str]:
    """Return the modules that have a list of public names, and none a hidden one."""
    found = (name for name in modules() if "._" not in name)
    return {name for name in found if hasattr(importlib.import_module(name), "__all__")}


# Modules with public names, by their packages, which have some as well.
_HOMES: Final = {
    "minimalkv": ".fs .memory .contrib .testing ._hstores .sessions .decorator .ttl "
    ".cache .crypt .idgen .memory.redisstore .net.boto3store .net.botostore "
    ".net.s3fsstore .net.azurestore .net.gcstore .files .http .sync .checking "
    ".migration .observing .cli",
    "minimalkv_flask": ".extension .sessions .legacy .uploads .serving",
    "minimalkv_django": ".stores .sessions .middleware .storage .staticfiles .uploads "
    ".views .cache",
}

# Those of them that docs/uploads.md lists; docs/sessions.md has those of the adapters
# that are left.
UPLOAD_HOMES: Final = {
    "minimalkv.files",
    "minimalkv.http",
    "minimalkv_flask.uploads",
    "minimalkv_flask.serving",
    "minimalkv_django.storage",
    "minimalkv_django.staticfiles",
    "minimalkv_django.uploads",
    "minimalkv_django.views",
}
CACHE_HOME: Final = "minimalkv_django.cache"
"""The one that docs/cache.md is about."""
