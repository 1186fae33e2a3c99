"""Which class a scheme stands for, and what is said when it cannot be had."""

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from minimalkv import _registry
from minimalkv._errors import (
    InvalidArgument,
    InvalidURL,
    MissingExtra,
    UnknownScheme,
    Unsupported,
)
from minimalkv._get_store import get_store, get_store_from_url
from minimalkv._hstores import HDictStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv._registry import ALIASES, BACKENDS, Backend, find, load, register_store
from minimalkv._urls import ParsedURL
from minimalkv.memory import DictStore


class Recorder(DictStore):
    """A third party's store that remembers what it was made from."""

    def __init__(self, **params: Any) -> None:
        super().__init__()
        self.params = params

    @classmethod
    def _from_params(cls, **params: Any) -> Self:
        return cls(**params)


class Checked(Recorder):
    """One that declares its options, and takes parameters."""

    url_options: ClassVar[dict[str, str]] = {
        "colour": "What it is painted with.",
        "create_if_missing": "Whether to build it.",
    }


class FromURL(KeyValueStore):
    """One that reads the URL itself."""

    def __init__(self, url: ParsedURL) -> None:
        self.url = url

    @classmethod
    def _from_url(cls, url: ParsedURL) -> Self:
        return cls(url)


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "_registered", {})


@pytest.mark.parametrize("scheme", sorted({*BACKENDS, *ALIASES}))
def test_every_scheme_opens_or_says_what_it_lacks(scheme: str) -> None:
    backend = find(scheme)
    try:
        cls = load(scheme)
    except Unsupported as error:
        assert backend.name in str(error)  # noqa: PT017 - which one is right may change
    except MissingExtra as error:
        assert f"minimalkv[{backend.extra}]" in str(error)  # noqa: PT017 - as above
    else:
        assert issubclass(cls, KeyValueStore)
        assert cls.__name__ == backend.name


def test_rediss_tells_its_store_to_encrypt() -> None:
    assert BACKENDS["rediss"].preset == BACKENDS["hrediss"].preset == {"tls": True}


def test_a_registered_class_gets_the_parts_of_the_url_as_parameters() -> None:
    register_store("recorder", f"{__name__}:Recorder")
    url = "recorder+readonly://u:p%40@Host:1/a%20b?x=1&x=2&create_if_missing=1"
    store: Any = get_store_from_url(url)
    assert type(store).__name__ == "ReadOnlyDecorator"
    assert store._dstore.params == {
        "username": "u",
        "password": "p@",
        "host": "Host",
        "port": 1,
        "path": "/a b",
        "x": "2",
    }
    made: Any = get_store("recorder", client=5)
    assert made.params == {"client": 5}
    with pytest.raises(InvalidURL, match="does not match"):
        get_store_from_url("recorder://", HDictStore)


def test_a_class_with_from_url_gets_the_parsed_url() -> None:
    register_store("my-store", f"{__name__}:FromURL")
    text = "my-store://h/p?a=1&create_if_missing=0#wrap:readonly"
    store: Any = get_store_from_url(text)
    url = store._dstore.url
    assert (url.scheme, url.host, url.path) == ("my-store", "h", "/p")
    assert url.options == {"a": "1", "create_if_missing": "0"}
    assert url.wrappers == ("readonly",)


def test_a_class_with_url_options_has_their_names_checked() -> None:
    register_store("checked", f"{__name__}:Checked")
    store: Any = get_store_from_url("checked:///x?colour=red&create_if_missing=no")
    assert store.params == {"path": "/x", "colour": "red", "create_if_missing": False}
    made: Any = get_store("checked", colour="red")
    assert made.params == {"colour": "red", "create_if_missing": True}
    with pytest.raises(InvalidURL, match="Did you mean 'colour'"):
        get_store_from_url("checked:///x?color=red")


@pytest.mark.parametrize(
    ("scheme", "target"),
    [
        ("hfs", "a:B"),
        ("boto", "a:B"),
        ("My Store", "a:B"),
        ("UPPER", "a:B"),
        ("", "a:B"),
        ("mine", "a.B"),
        ("mine", "a:"),
    ],
)
def test_what_cannot_be_registered_is_refused(scheme: str, target: str) -> None:
    with pytest.raises(InvalidArgument):
        register_store(scheme, target)
    assert not _registry._registered


def test_a_registered_class_that_is_not_there_is_named() -> None:
    register_store("gone", f"{__name__}:Gone")
    with pytest.raises(UnknownScheme, match=f"{__name__}:Gone"):
        get_store_from_url("gone://")
    register_store("nowhere", "no_such_module_at_all:Store")
    with pytest.raises(MissingExtra, match="Store needs no_such_module_at_all"):
        get_store_from_url("nowhere://")


def test_an_installed_package_brings_its_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thirdparty_store.py").write_text(
        "from minimalkv.memory import DictStore\nclass Third(DictStore): pass\n"
    )
    info = tmp_path / "thirdparty_store-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty-store\n")
    (info / "entry_points.txt").write_text(
        "[minimalkv.stores]\n"
        "third = thirdparty_store:Third\n"
        "memory = thirdparty_store:Third\n"
    )
    with pytest.raises(UnknownScheme):
        get_store_from_url("third://")
    monkeypatch.syspath_prepend(tmp_path)
    assert type(get_store_from_url("third://")).__name__ == "Third"
    assert type(get_store_from_url("memory://")) is DictStore
    with pytest.raises(UnknownScheme, match=r"Did you mean 'third'.*redis, rediss"):
        get_store_from_url("thrid://")


@pytest.mark.parametrize(
    ("extra", "cure"),
    [
        ("redis", "TinyStore needs tiny_sdk: pip install 'minimalkv[redis]'"),
        (None, "TinyStore needs tiny_sdk: install the package that has this module"),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(
    extra: str | None, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny_store.py").write_text("import tiny_sdk\nclass TinyStore: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    tiny = Backend("tiny_store", "TinyStore", extra)
    monkeypatch.setitem(_registry._registered, "tiny", tiny)
    with pytest.raises(MissingExtra) as caught:
        get_store_from_url("tiny://")
    assert str(caught.value) == cure
    assert caught.value.name == "tiny_sdk"


def test_urls_need_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import minimalkv._urls, minimalkv._get_store\n"
        "from minimalkv._urls import url2dict; url2dict('redis://u:p@h?timeout=2')\n"
        "new = {name for name in set(sys.modules) - before}\n"
        "tops = {name.partition('.')[0] for name in new} - {'minimalkv'}\n"
        "print(sorted(tops - sys.stdlib_module_names))\n"
        "print(sorted(new & {'importlib.metadata', 'urllib.request', 'difflib'}))\n"
    )
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=root, check=True, capture_output=True)
    assert result.stdout.split() == [b"[]", b"[]"]
