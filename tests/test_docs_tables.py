"""The tables of the documentation, compared with what they list, in both directions."""

import inspect
import re
import tomllib
from collections.abc import Callable
from typing import Final

import pytest

import minimalkv
from minimalkv import (
    _constants,
    _errors,
    _mixins,
    get_store_from_url,
    testing,
)
from minimalkv._hooks import Hooks
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._options import UNIVERSAL, Option, Options
from minimalkv._registry import ALIASES, BACKENDS, load
from minimalkv._store_decoration import WRAPPERS
from minimalkv._urls import parse_url
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import ReadOnlyDecorator
from tests.pages import (
    GUIDES,
    PAGES,
    ROOT,
    TYPES,
    builtin_bases,
    code,
    column,
    hooks,
    prose,
    public_names,
    read,
    settings_of,
    spans,
    tables,
    wrapper_classes,
)

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Schemes, options, extras.


def test_every_scheme_is_documented_and_no_other() -> None:
    rows = column("docs/stores.md", "scheme")
    assert sorted(rows) == sorted(BACKENDS)
    for scheme, row in rows.items():
        backend = BACKENDS[scheme]
        assert backend.family is not None
        url = f"{scheme}://{backend.family.example.partition('://')[2]}"
        facts = [scheme, backend.name, backend.module, backend.extra, url]
        assert row == [f"`{fact}`" if fact else "" for fact in facts]
    aliases = column("docs/stores.md", "alias")
    assert {name: spans(row[1])[0] for name, row in aliases.items()} == ALIASES


def test_readme_has_every_scheme_and_what_it_needs() -> None:
    told: dict[str, str] = {}
    for row in column("README.md", "schemes").values():
        told |= dict.fromkeys(spans(row[0]), "".join(spans(row[-1])))
        shown = [parse_url(url).scheme for url in spans(row[2])]
        assert set(map(example, shown)) == set(map(example, spans(row[0])))
    assert told == {scheme: BACKENDS[scheme].extra or "" for scheme in BACKENDS}


def test_readme_tells_what_each_store_can_do() -> None:
    (table,) = (t for t in tables("README.md") if t.header[0] == "schemes")
    told = [n for n, name in enumerate(table.header) if name.endswith("_support`")]
    assert len(told) > 1
    for row in table.rows:
        for scheme, number in ((s, n) for s in spans(row[0]) for n in told):
            can = getattr(load(scheme), *spans(table.header[number]))
            assert row[number] == ("yes" if can else "no"), (scheme, number)


def example(scheme: str) -> str:
    family = BACKENDS[scheme].family
    return family.example if family else ""


def families() -> dict[str, str]:
    """Return the headings of the sections about options, by each of their schemes."""
    headings = re.findall(r"^### (`.*)$", prose("docs/stores.md"), re.M)
    return {scheme: heading for heading in headings for scheme in spans(heading)}


@pytest.mark.parametrize("scheme", sorted(BACKENDS))
def test_options_of_a_scheme_are_documented_and_no_others(scheme: str) -> None:
    family = BACKENDS[scheme].family
    assert family is not None
    heading = families()[scheme]
    check_options(column("docs/stores.md", "option", heading), family.options)
    check_options(column("docs/stores.md", "parameter", heading), family.parameters)


# A URL of each family that has options, with all that makes them count.
PLAIN: Final = {
    "fs": "fs:///folder",
    "redis": "redis://localhost",
    "s3": "s3://key:secret@localhost/bucket",
    "azure": "azure://account:a2V5@container",
    "gcs": "gcs://bucket",
}
# Options that mean nothing without others, or to that store.
MEANINGLESS: Final = {
    ("redis", "create_if_missing"),
    ("s3", "is_sts_credentials"),
}

# Attributes that say what was asked for; what counts is among the settings.
AS_GIVEN: Final = {"max_block_size", "max_single_put_size"}


@pytest.mark.parametrize("scheme", PLAIN)
def test_defaults_of_options_are_those_of_the_store(scheme: str) -> None:
    rows = column("docs/stores.md", "option", "Every scheme")
    rows |= column("docs/stores.md", "option", families()[scheme])
    url = PLAIN[scheme]
    usual = made_of(url)
    for name, row in rows.items():
        default = row[2].strip("`")
        if default == "not set":
            continue
        assert made_of(f"{url}?{name}={default}") == usual, name
        if (scheme, name) not in MEANINGLESS:
            assert made_of(f"{url}?{name}={other_than(default)}") != usual, name


def made_of(url: str) -> dict[str, object]:
    attributes = vars(get_store_from_url(url)).items()
    return {k: settings_of(value) for k, value in attributes if k not in AS_GIVEN}


def other_than(default: str) -> str:
    """Return another value of the same type."""
    others = {"true": "false", "false": "true", "https": "http"}
    return others.get(default) or (f"{default}1" if default.isdecimal() else "other")


def test_every_family_has_its_defaults_compared() -> None:
    choosy = [s for s, b in BACKENDS.items() if b.family and b.family.options]
    assert set(map(example, PLAIN)) == set(map(example, choosy))


def test_options_of_every_scheme_are_documented_and_no_others() -> None:
    check_options(column("docs/stores.md", "option", "Every scheme"), UNIVERSAL)
    assert sorted(families()) == sorted(BACKENDS)
    kinds = {table.header[0]: table for table in tables("docs/stores.md")}
    assert sorted(row[0] for row in kinds["type"].rows) == sorted(TYPES.values())


def check_options(rows: dict[str, list[str]], options: Options) -> None:
    assert sorted(rows) == sorted(options)
    for name, row in rows.items():
        assert row[1] == TYPES[options[name].expected], name
        check_default(options[name], row)
        assert len(row[-1]) > 5, f"{name} has no meaning"


def check_default(option: Option, row: list[str]) -> None:
    if len(row) < 4:
        return
    default = row[2].strip("`")
    assert default == "not set" or option.read(default) is not None, row
    says_true = "true by default" in option.meaning or "the default" in option.meaning
    assert not says_true or default == "true", row


def test_every_extra_is_documented_with_what_it_installs() -> None:
    rows = column("docs/stores.md", "extra")
    extras = PROJECT["optional-dependencies"]
    assert sorted(rows) == sorted(extras)
    for extra, (_, installs, purpose) in rows.items():
        names = [re.split(r"[\[><=]", needed)[0] for needed in extras[extra]]
        assert spans(installs) == names, extra
        assert purpose, extra
    mentioned = re.findall(r"minimalkv\[([\w,]+)\]", "".join(map(read, PAGES)))
    assert {extra for text in mentioned for extra in text.split(",")} <= {*extras}
    assert set(extras) <= {*spans(prose("README.md"))}


# Wrappers, capabilities, errors, names.


def test_every_wrapper_is_documented_and_no_other() -> None:
    rows = column("docs/wrappers.md", "wrapper")
    classes = {cls.__name__: cls for cls in wrapper_classes()}
    assert {usage.partition("(")[0] for usage in rows} == set(classes)
    by_name: dict[str, str] = {}
    for usage, row in rows.items():
        name = usage.partition("(")[0]
        check_signature(usage, classes[name])
        for spelling in spans(row[1]):
            short = spelling.partition("(")[0]
            by_name[short] = name
            assert ("(" in spelling) == bool(WRAPPERS[short].arguments), spelling
    assert by_name == {name: wrapper.name for name, wrapper in WRAPPERS.items()}


def check_signature(usage: str, function: Callable[..., object]) -> None:
    """Compare arguments as in ``name(a, b=1, *, c=None)``: order, and defaults."""
    inside = re.sub(r"=[^,)]*", "", usage.partition("(")[2].removesuffix(")"))
    names = [name for name in re.split(r",\s*", inside) if name not in ("", "*")]
    known = list(inspect.signature(function).parameters.values())
    assert names == [p.name for p in known if p.name != "self"], usage
    for name, default in re.findall(r"(\w+)=([^,)]+)", usage):
        value = inspect.signature(function).parameters[name].default
        shown = getattr(value, "__name__", "").removeprefix("openssl_") or value
        expected = {repr(shown), str(shown), str(shown).upper()}
        assert default.replace('"', "'") in expected, usage


def test_capabilities_are_those_of_the_classes() -> None:
    flags = {n for n, value in vars(Hooks).items() if type(value) in (bool, int)}
    attributes = {name for name in flags if not name.startswith("_")}
    table = next(t for t in tables("docs/stores.md") if t.header[0] == "attribute")
    columns = [spans(cell) for cell in table.header[1:]]
    assert sorted(scheme for column in columns for scheme in column) == sorted(BACKENDS)
    assert {spans(row[0])[0] for row in table.rows} == attributes
    for name, *cells in table.rows:
        for schemes, cell in zip(columns, cells, strict=True):
            values = {getattr(load(scheme), spans(name)[0]) for scheme in schemes}
            words = {{True: "yes", False: "no"}.get(v, str(v)) for v in values}
            assert words == {cell}, (name, schemes)
    text = prose("docs/stores.md")
    assert all(re.search(rf"^- .*`{name}`.*:", text, re.M) for name in attributes)
    limits = column("docs/writing-a-store.md", "attribute")
    told = {name: row[1] for name, row in limits.items()}
    names = [name for name in attributes if not name.endswith("_support")]
    assert told == {name: str(getattr(KeyValueStore, name)) for name in names}


def test_every_error_is_documented_with_its_built_in_ones() -> None:
    rows = column("docs/stores.md", "error")
    errors = {n: c for n, c in vars(_errors).items() if isinstance(c, type)}
    assert sorted(rows) == sorted(errors)
    for name, (_, also, when, cure) in rows.items():
        assert set(spans(also)) == builtin_bases(errors[name]), name
        assert when, name
        assert cure, name


def test_every_verb_is_documented_with_its_arguments() -> None:
    rows = column("docs/stores.md", "verb")
    usages = {usage.partition("(")[0]: usage for usage in rows}
    public = {name for name in dir(KeyValueStore) if not name.startswith("_")}
    verbs = {name for name in public if callable(getattr(KeyValueStore, name))}
    assert set(usages) == {*verbs, "key in store"}
    for name in verbs:
        check_signature(usages[name], getattr(KeyValueStore, name))


def test_every_hook_of_a_verb_is_documented_and_no_other() -> None:
    page = list(tables("docs/writing-a-store.md"))
    cells = [
        row[0] for t in page if t.header[0] in ("method", "hook") for row in t.rows
    ]
    mixins = [row for t in page if t.header[-1] == "hooks to add" for row in t.rows]
    named = [spans(cell) for cell in [*cells, *(row[-1] for row in mixins)]]
    found = {span.partition("(")[0] for group in named for span in group}
    assert found == hooks() | {"iter_keys"}
    flags = {f"`{n}`": f"`{m._flag}`" for n, m in vars(_mixins).items() if is_mixin(m)}
    flags["`headers_support = True`"] = "`headers_support`"
    assert {row[0]: row[1] for row in mixins} == flags


def is_mixin(thing: object) -> bool:
    return isinstance(thing, type) and "_flag" in vars(thing)


def test_hooks_that_wrappers_override_are_those_of_ours() -> None:
    rows = [row for t in tables("docs/wrappers.md") for row in t.rows]
    told = {row[0]: set(spans(row[1])) for row in rows if row[1].startswith("`_")}
    watches, *changes = told.values()
    methods = vars(ReadOnlyDecorator)
    refused = {n for n, f in methods.items() if f is methods["_refuse"]} - {"_refuse"}
    assert watches == refused
    assert set().union(*changes) == hooks() & {*vars(HMACDecorator)}


def test_every_word_for_a_lifetime_is_documented() -> None:
    told = set(column("docs/stores.md", "word"))
    words = {n for n, value in vars(_constants).items() if n == f"{value}".upper()}
    assert told == words == {"FOREVER", "NOT_SET", "KEEP"}


def test_every_fact_about_a_value_is_documented() -> None:
    assert list(column("docs/stores.md", "field")) == list(ObjectMeta._fields)


def test_every_public_name_is_documented() -> None:
    text = "".join(map(read, GUIDES))
    words = set(re.findall(r"\w+", text))
    assert [found for found in public_names() if found[0] not in words] == []
    words = {*re.findall(r"`(\w+)", text), *re.findall(r"\w+", "".join(code(GUIDES)))}
    assert [name for name in minimalkv.__all__ if name not in words] == []


def test_every_contract_is_documented_and_no_other() -> None:
    rows = column("docs/writing-a-store.md", "contract")
    assert set(rows) == {n for n in testing.__all__ if re.fullmatch(r"\w+Contract", n)}
