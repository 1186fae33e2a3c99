"""From a URL or parameters to a store: schemes, wrappers, typed options, registry."""

from pathlib import Path
from typing import Any

import pytest

from minimalkv import _get_store
from minimalkv._errors import InvalidURL
from minimalkv._get_store import (
    get_short_lived_store,
    get_store,
    get_store_from_url,
)
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv._key_value_store import KeyValueStore
from minimalkv._registry import BACKENDS
from minimalkv._schemes import typed_params
from minimalkv._store_creation import create_store
from minimalkv._store_decoration import WRAPPERS, decorate_store
from minimalkv._urls import parse_url, url2dict, url_params
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore

# Schemes that open today.


@pytest.mark.parametrize(
    ("scheme", "cls"), [("memory", DictStore), ("hmemory", HDictStore)]
)
def test_memory_opens_by_url_and_by_type(scheme: str, cls: type[DictStore]) -> None:
    for store in (
        get_store_from_url(f"{scheme}://"),
        get_store_from_url(f"{scheme}://?create_if_missing=false", DictStore),
        get_store(scheme),
        get_store(**url2dict(f"{scheme}://")),
    ):
        assert type(store) is cls


@pytest.mark.parametrize(
    ("scheme", "cls"),
    [
        ("fs", FilesystemStore),
        ("file", FilesystemStore),
        ("hfs", HFilesystemStore),
        ("hfile", HFilesystemStore),
        ("filesystem", HFilesystemStore),
        ("HFS", HFilesystemStore),
    ],
)
def test_a_folder_opens_by_url_and_by_type(
    scheme: str, cls: type[FilesystemStore], tmp_path: Path
) -> None:
    folder = tmp_path / "My Data"
    for store in (
        get_store_from_url(f"{scheme}://{folder}?fsync=off&perm=640"),
        get_store(scheme, path=folder, fsync=False, perm=0o640),
        get_store(scheme, path=str(folder), fsync="no", perm="640"),
        get_store(**url2dict(f"{scheme}://{folder}")),
    ):
        assert type(store) is cls
        store.put("key", b"value")
        assert (folder / "key").read_bytes() == b"value"


def test_two_calls_give_two_stores() -> None:
    get_store_from_url("memory://").put("key", b"value")
    assert get_store_from_url("memory://").keys() == []


def test_the_store_class_of_a_url_can_be_asked_for() -> None:
    assert get_store_from_url("hmemory://", DictStore)
    with pytest.raises(InvalidURL, match=r"'memory' gives a DictStore.*HDictStore"):
        get_store_from_url("memory://", HDictStore)


# Wrappers.


def test_wrappers_behind_the_scheme_go_from_outside_to_inside() -> None:
    store = get_store_from_url("memory+prefix(a)+prefix(b)://")
    assert innermost_key(store) == "bakey"


def test_wrappers_after_the_hash_go_from_inside_to_outside() -> None:
    assert innermost_key(get_store_from_url("memory://#wrap:prefix(a)+prefix(b)")) == (
        "abkey"
    )
    assert innermost_key(get_store("memory", wrap="prefix(a)+prefix(b)")) == "abkey"
    assert innermost_key(get_store("memory+prefix(b)+prefix(a)")) == "abkey"


def innermost_key(store: Any) -> str:
    store.put("key", b"value")
    while not isinstance(store, DictStore):
        store = store._dstore
    return str(store.keys()[0])


# What is no text that just any other will do for.
ARGUMENTS = {"old": "hfs%3A%2F%2F.%2Fold"}


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_wrapper_wraps_by_url_and_by_name(name: str) -> None:
    arguments = [ARGUMENTS.get(each, each) for each in WRAPPERS[name].arguments]
    spec = f"{name}({','.join(arguments)})".removesuffix("()")
    for store in (
        get_store_from_url(f"memory://#wrap:{spec}"),
        get_store_from_url(f"memory+{spec}://"),
        get_store("memory", wrap=spec),
        decorate_store(DictStore(), spec),
    ):
        assert type(store).__name__ == WRAPPERS[name].name
        assert isinstance(store, KeyValueStore)


def test_arguments_of_wrappers_are_percent_decoded() -> None:
    store = get_store_from_url("hmemory://#wrap:prefix(a%2Fb%2B%28+%29%20)")
    assert innermost_key(store) == "a/b+(+) key"


def test_wrappers_and_their_arguments_are_checked_before_anything_is_made(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "new"
    for wrap in ("gzip", "prefix", "readonly(1)", "a b", "", 5):
        with pytest.raises(InvalidURL):
            get_store("fs", path=folder, wrap=wrap)
    with pytest.raises(InvalidURL, match="not in both"):
        get_store("fs+ttl", path=folder, wrap="readonly")
    assert not folder.exists()


# Parameters and options.


@pytest.mark.parametrize(
    ("scheme", "params", "cure"),
    [
        ("fs", {}, "'path' is missing, as in 'fs:///folder'"),
        ("fs", {"path": ""}, "'path' has to be a folder"),
        ("fs", {"path": None}, "'path' is missing"),
        ("fs", {"path": b"x"}, "not b'x'"),
        ("fs", {"path": "x", "paht": "x"}, "Did you mean 'path'"),
        ("fs", {"path": "x", "perm": 640}, "up to 777, such as 640, not 640"),
        ("fs", {"path": "x", "fsync": 2}, "true or false, not 2"),
        ("fs", {"path": "x", "create_if_missing": "perhaps"}, "'create_if_missing'"),
        ("memory", {"path": "x"}, "Unknown option 'path'. Known: create_if_missing."),
        ("redis", {"host": "u:hush@h"}, "'host' has to be a host name"),
        ("redis", {"port": 0}, "1 to 65535"),
        ("redis", {"db": True}, "not True"),
        ("redis", {"hosts": [("a", 1), ("b", 2)]}, "cluster=true"),
        ("redis", {"hosts": [("a", 1), ("b",)], "cluster": True}, "two or more pairs"),
        ("redis", {"hosts": "hush", "cluster": True}, "two or more pairs"),
        ("redis", {"timeout": float("inf")}, "not inf"),
        ("redis", {"timeout": True}, "not True"),
        ("redis", {"password": 7}, "'password' has to be text, not empty."),
        ("s3", {}, "'bucket' is missing"),
        ("s3", {"bucket": "b", "access_key": "k"}, "needs its secret"),
        ("s3", {"bucket": "b", "host": "k:hush@h"}, "'host' has to be"),
        ("azure", {"container": "c"}, "Name the account"),
        ("azure", {"account_name": "a", "account_key": "hush"}, "'container'"),
        ("gcs", {"credentials": b"hush"}, "'bucket_name' is missing"),
        ("redis://u:hush@h", {}, "A scheme is"),
        ("", {}, "A scheme is"),
        ("hush" * 20, {}, "may be a secret"),
        ("hfz", {}, "Did you mean 'hfs'"),
        ("m", {}, "Unknown scheme 'm'"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused_with_the_cure(
    scheme: str, params: dict[str, Any], cure: str
) -> None:
    with pytest.raises(InvalidURL) as caught:
        get_store(scheme, **params)
    assert cure in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_type_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidURL, match="NoneType"):
        get_store(None)  # type: ignore[arg-type] # what is tested


def test_sas_tokens_cannot_create_a_container() -> None:
    azure: dict[str, Any] = {"account_name": "a", "account_key": "k", "container": "c"}
    with pytest.raises(InvalidURL, match="incompatible with the use of SAS tokens"):
        get_store("azure", use_sas=True, **azure)
    with (
        pytest.raises(InvalidURL, match="incompatible with the use of SAS tokens"),
        pytest.warns(DeprecationWarning, match="create_store"),
    ):
        create_store("hazure", {**azure, "create_if_missing": True, "use_sas": True})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("use_sas", True),
        ("use_sas=", True),
        ("use_sas=TRUE", True),
        ("use_sas=on", True),
        ("use_sas=1", True),
        ("use_sas=Yes", True),
        ("use_sas=False", False),
        ("use_sas=0", False),
        ("use_sas=off", False),
        ("use_sas=no", False),
        ("timeout=2", 2.0),
        ("timeout=0.25", 0.25),
        ("max_connections=07", 7),
        ("max_block_size=4*1024*1024", 4 * 2**20),
        ("max_block_size=100", 100),
        ("socket_timeout=20", 20.0),
        ("socket_timeout=(20,100)", (20.0, 100.0)),
        ("socket_timeout=(0.5, 1)", (0.5, 1.0)),
        ("checksum=true&checksum=false", False),
        ("blob_endpoint=http://127.0.0.1:10000/a", "http://127.0.0.1:10000/a"),
    ],
)
def test_options_are_typed_alike_in_urls_and_parameters(
    option: str, value: object
) -> None:
    family = BACKENDS["azure"].family
    assert family is not None
    name, _, text = option.rpartition("&")[2].partition("=")
    params = url_params(parse_url(f"azure://acc:key@c?{option}"))
    assert params[name] == value
    assert type(params[name]) is type(value)
    for given in (text, value, [text]):
        account = {"account_name": "acc", "account_key": "key", "container": "c"}
        assert typed_params(family, {**account, name: given})[name] == value


def test_create_store_warns_its_caller_and_works(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="get_store_from_url") as warned:
        store = create_store("hfs", {"type": "hfs", "path": str(tmp_path / "a/b")})
    assert warned[0].filename == __file__
    assert type(store) is HFilesystemStore
    store.put("key", b"value")
    assert (tmp_path / "a/b/key").read_bytes() == b"value"
    with pytest.warns(DeprecationWarning, match="create_store"):
        assert create_store("memory", {"type": "memory", "wrap": "readonly"})


@pytest.mark.parametrize(
    ("url", "fsync"),
    [
        ("hfs://{root}", False),
        ("fs://{root}#wrap:prefix(a-)", False),
        ("hfs://{root}?perm=640", False),
        ("hfs://{root}?fsync=true", True),
    ],
)
def test_what_lives_shortly_is_not_synchronised(
    tmp_path: Path, url: str, fsync: bool
) -> None:
    store = get_short_lived_store(url.format(root=tmp_path))
    files: Any = getattr(store, "_dstore", store)
    assert files.fsync is fsync


def test_what_lives_shortly_may_be_anywhere() -> None:
    assert get_short_lived_store("memory://").keys() == []


def test_a_prefix_that_does_not_fit_is_a_wrong_url() -> None:
    with pytest.raises(InvalidURL, match="'h' stores"):
        get_store_from_url("memory://#wrap:prefix(a%2F)")


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("redis://h/0", "redis://h/0?timeout=2"),
        ("redis://h?max_connections=3", "redis://h?max_connections=3&timeout=2"),
        ("hs3://h/bucket#wrap:readonly", "hs3://h/bucket?timeout=2#wrap:readonly"),
        ("azure://a:k@container", "azure://a:k@container?timeout=2"),
        ("gcs://bucket?timeout=9", "gcs://bucket?timeout=9"),
        ("memory://", "memory://"),
        (
            "redis://h#wrap:migrate(s3%3A%2F%2Fh%2Fb)+readonly",
            "redis://h?timeout=2#wrap:migrate(s3%3A%2F%2Fh%2Fb%3Ftimeout%3D2)+readonly",
        ),
        ("fs:///folder", "fs:///folder?fsync=false"),
    ],
)
def test_nobody_waits_long_for_what_lives_shortly(
    monkeypatch: pytest.MonkeyPatch, url: str, opened: str
) -> None:
    urls: list[str] = []
    monkeypatch.setattr(_get_store, "get_store_from_url", urls.append)

    get_short_lived_store(url, 2)

    assert urls == [opened]
