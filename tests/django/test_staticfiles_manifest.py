"""collectstatic with hashed names: Django's rules, on a store."""

import copy
import json
import pickle
import re
import shutil
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from pytest_django import Settings

from minimalkv import KeyValueStore, StoreUnavailable, get_store_from_url
from minimalkv_django.staticfiles import KVManifestStaticFilesStorage
from tests.django.static_site import MANIFEST, StaticSite
from tests.watched import WatchedStore

STYLE = """
@import "base.css";
body { background: url("../img/logo.png?v=1"); }
@font-face { src: url(../fonts/a.eot?#iefix); }
"""


class Modules(KVManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


class Lenient(KVManifestStaticFilesStorage):
    manifest_strict = False


class Intermediate(KVManifestStaticFilesStorage):
    keep_intermediate_files = True


class OnePass(KVManifestStaticFilesStorage):
    max_post_process_passes = 1


@pytest.fixture(params=["hmemory", "hfs"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    urls = {"hmemory": "hmemory://", "hfs": f"hfs://{tmp_path}/data?fsync=false"}
    with get_store_from_url(urls[request.param]) as store:
        yield store


@pytest.fixture
def store(kept: KeyValueStore) -> WatchedStore:
    return WatchedStore(kept)


@pytest.fixture
def site(settings: Settings, tmp_path: Path, store: WatchedStore) -> StaticSite:
    site = StaticSite(settings, tmp_path / "assets", store)
    site.write(
        css__site_css=STYLE,
        css__base_css="p {}",
        img__logo_png=b"\x89PNG",
        fonts__a_eot=b"font",
        js__app_js='import {x} from "./lib.js";',
        js__lib_js="export const x = 1;",
    )
    return site


def hashed(name: str, content: bytes) -> str:
    root, dot, ending = name.rpartition(".")
    digest = md5(content, usedforsecurity=False).hexdigest()[:12]
    return f"{root}.{digest}{dot}{ending}"


def manifest(site: StaticSite) -> dict[str, str]:
    paths: dict[str, str] = json.loads(site.get("staticfiles.json"))["paths"]
    return paths


def writes(store: WatchedStore) -> list[str]:
    return [c for c in store.take_calls() if c in ("put", "put_file", "delete")]


def test_each_file_has_a_hash_of_what_it_has_in_the_end(site: StaticSite) -> None:
    site.collect()

    paths = manifest(site)
    assert sorted(paths) == sorted(
        path.relative_to(site.folder).as_posix()
        for path in site.folder.rglob("*")
        if path.is_file()
    )
    for name, other in paths.items():
        assert other == hashed(name, site.get(other))
    style = site.get(paths["css/site.css"]).decode()
    assert f'url("{paths["css/base.css"].removeprefix("css/")}")' in style
    assert f"../{paths['img/logo.png']}?v=1" in style
    assert f"../{paths['fonts/a.eot']}?#iefix" in style


def test_it_makes_what_django_makes_in_a_folder(
    site: StaticSite, settings: Settings, tmp_path: Path
) -> None:
    of_admin = Path(admin.__path__[0]) / "static/admin"
    shutil.copytree(of_admin, site.folder / "admin")
    site.collect()
    ours = {key.removeprefix("static/"): site.store.get(key) for key in site.stored()}

    django = f"{ManifestStaticFilesStorage.__module__}.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": django}}
    settings.STATIC_ROOT = str(tmp_path / "root")
    site.collect()

    root = tmp_path / "root"
    theirs = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
    ours_manifest = json.loads(ours.pop("staticfiles.json"))
    assert ours_manifest == json.loads(theirs.pop("staticfiles.json"))
    assert ours == theirs
    assert len(ours) > 200


def test_each_file_is_written_once_and_the_manifest_last(
    site: StaticSite, store: WatchedStore
) -> None:
    written: list[str] = []
    put = store._put

    def noting(key: str, data: bytes, **options: object) -> str | None:
        written.append(key)
        return put(key, data, **options)

    store._put = noting  # type: ignore[method-assign]  # to see the order

    site.collect()

    assert sorted(written) == site.stored()
    assert len(written) == 13
    assert written[-1] == "static/staticfiles.json"


def test_nothing_is_uploaded_again(site: StaticSite, store: WatchedStore) -> None:
    site.collect()
    site.touch()
    site.use(MANIFEST)
    before = site.get("staticfiles.json")
    store.take_calls()

    text = site.collect()

    assert writes(store) == []
    assert site.get("staticfiles.json") == before
    assert "0 static files copied, 6 unmodified" in text


def test_the_files_of_earlier_runs_stay(site: StaticSite) -> None:
    site.collect()
    old = manifest(site)
    site.write(css__base_css="p { color: red }")

    site.collect()

    new = manifest(site)
    for name in ("css/base.css", "css/site.css"):
        assert new[name] != old[name]
        assert f"static/{old[name]}" in site.stored()
        assert f"static/{new[name]}" in site.stored()
    assert new["img/logo.png"] == old["img/logo.png"]


@pytest.mark.parametrize("what", ["staticfiles.json", "css/base.", "img/"])
def test_a_failed_upload_fails_the_command_and_leaves_the_manifest(
    site: StaticSite, store: WatchedStore, what: str
) -> None:
    site.collect()
    before = site.get("staticfiles.json")
    site.write(css__base_css="p { color: red }", img__logo_png=b"another")
    put = store._put

    def failing(key: str, data: bytes, **options: object) -> str | None:
        if key.startswith(f"static/{what}"):
            raise StoreUnavailable("The store does not answer.")
        return put(key, data, **options)

    store._put = failing  # type: ignore[method-assign]  # one key only

    with pytest.raises(StoreUnavailable):
        site.collect()

    assert site.get("staticfiles.json") == before
    for name in manifest(site).values():
        assert f"static/{name}" in site.stored()


def test_a_missing_reference_fails_the_command_and_leaves_the_manifest(
    site: StaticSite,
) -> None:
    site.collect()
    before = site.get("staticfiles.json")
    site.write(css__site_css="body { background: url(nothing.png) }")

    with pytest.raises(Exception, match=re.escape("css/nothing.png")):
        site.collect()

    assert site.get("staticfiles.json") == before


def test_a_dry_run_writes_nothing(site: StaticSite, store: WatchedStore) -> None:
    site.collect(dry_run=True)

    assert writes(store) == []


def test_without_post_processing_there_is_no_manifest(site: StaticSite) -> None:
    site.collect(post_process=False)

    assert len(site.stored()) == 6
    assert "static/staticfiles.json" not in site.stored()


def test_clear_removes_what_earlier_runs_left(site: StaticSite) -> None:
    site.collect()
    site.write(css__base_css="p { color: red }")
    site.collect()

    site.collect(clear=True)

    assert len(site.stored()) == 13


def test_urls_come_from_the_manifest_which_is_read_once_and_when_needed(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    site.use(MANIFEST)
    store.take_calls()

    storage = site.storage
    assert storage.base_url == "/static/"
    assert store.take_calls() == []

    paths = manifest(site)
    store.take_calls()
    for _ in range(2):
        assert storage.url("img/logo.png") == f"/static/{paths['img/logo.png']}"
    assert storage.url("img/") == "/static/img/"
    eot = storage.url("fonts/a.eot?#iefix")
    assert eot == f"/static/{paths['fonts/a.eot']}?#iefix"
    assert len(store.take_calls()) == 1


def test_an_outage_is_no_missing_manifest(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    site.use(MANIFEST)
    store.fail()

    with pytest.raises(StoreUnavailable):
        site.storage.url("img/logo.png")

    store.recover()
    assert site.storage.url("img/logo.png").startswith("/static/img/logo.")


def test_while_debugging_nothing_is_read(
    site: StaticSite, store: WatchedStore, settings: Settings
) -> None:
    settings.DEBUG = True

    assert site.storage.url("img/logo.png") == "/static/img/logo.png"
    assert store.take_calls() == []


def test_an_unknown_name_is_refused_unless_the_storage_is_lenient(
    site: StaticSite,
) -> None:
    site.collect()
    site.store.put("static/new.css", b"new")

    with pytest.raises(ValueError, match=re.escape("new.css")):
        site.storage.url("new.css")

    site.use(f"{__name__}.Lenient")
    assert site.storage.url("new.css") == f"/static/{hashed('new.css', b'new')}"


def test_a_broken_manifest_is_an_error(site: StaticSite) -> None:
    site.store.put("static/staticfiles.json", b"{")

    with pytest.raises(ValueError, match="manifest"):
        site.storage.url("a.css")


def test_imports_of_modules_are_hashed_on_demand(site: StaticSite) -> None:
    site.use(f"{__name__}.Modules")

    site.collect()

    paths = manifest(site)
    lib = paths["js/lib.js"].removeprefix("js/")
    assert f'"./{lib}"'.encode() in site.get(paths["js/app.js"])


def test_intermediate_files_are_kept_on_demand(site: StaticSite) -> None:
    site.use(f"{__name__}.Intermediate")

    site.collect()

    first = hashed("css/site.css", STYLE.encode())
    assert manifest(site)["css/site.css"] != first
    assert f"static/{first}" in site.stored()


def test_references_in_a_circle_end(site: StaticSite) -> None:
    site.write(
        css__a_css='@import url("b.css"); a {}', css__b_css='@import url("a.css"); b {}'
    )

    with pytest.raises(Exception, match="Max post-process passes exceeded"):
        site.collect()

    assert "static/staticfiles.json" not in site.stored()


def test_the_number_of_passes_counts(site: StaticSite) -> None:
    for number in range(4):
        site.write_at(f"chain/{number}.css", f'@import url("{number + 1}.css");')
    site.write_at("chain/4.css", "end {}")
    site.collect()

    site.use(f"{__name__}.OnePass")
    with pytest.raises(Exception, match="Max post-process passes exceeded"):
        site.collect()


def test_names_that_are_not_ascii_have_urls_that_name_their_keys(
    site: StaticSite,
) -> None:
    site.write_at("img/ü.png", b"umlaut")
    site.write(css__site_css='p { background: url("../img/ü.png") }')

    site.collect()

    (key,) = (key for key in site.stored() if re.search(r"img/.*BC\.\w{12}\.png$", key))
    assert key.startswith("static/img/%C3%BC.")
    quoted = key.replace("%", "%25")
    assert site.storage.url("img/ü.png") == f"/{quoted}"
    style = site.get(manifest(site)["css/site.css"]).decode()
    assert f'url("../{quoted.removeprefix("static/")}")' in style


def test_storages_with_the_same_options_are_equal(site: StaticSite) -> None:
    storage = KVManifestStaticFilesStorage("hmemory://")

    assert storage == KVManifestStaticFilesStorage("hmemory://")
    assert storage != KVManifestStaticFilesStorage("hmemory://", cache_control=None)
    assert storage.location == site.storage.location == "static"
    for copied in (copy.deepcopy(storage), pickle.loads(pickle.dumps(storage))):
        assert copied == storage
