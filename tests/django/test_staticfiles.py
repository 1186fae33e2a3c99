"""collectstatic to a store: what is uploaded, and what is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from minimalkv import KeyValueStore, StoreUnavailable, get_store_from_url
from tests.django.static_site import PLAIN, StaticSite
from tests.watched import WatchedStore


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
    site = StaticSite(settings, tmp_path / "assets", store, PLAIN)
    site.write(site_css="body {}", img__logo_png=b"\x89PNG", img__big__sky_png=b"sky")
    return site


def writes(store: WatchedStore) -> list[str]:
    return [c for c in store.take_calls() if c in ("put", "put_file", "delete")]


def test_all_files_are_below_the_location(site: StaticSite) -> None:
    text = site.collect()

    assert site.stored() == [
        "static/img/big/sky.png",
        "static/img/logo.png",
        "static/site.css",
    ]
    assert site.get("img/big/sky.png") == b"sky"
    assert "3 static files copied" in text
    assert "3 uploaded" in text


def test_nothing_is_uploaded_again_whatever_the_times_say(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    store.take_calls()

    for _ in range(2):
        text = site.collect()
        assert "0 static files copied, 3 unmodified" in text
        assert writes(store) == []
        site.touch()


def test_what_changed_is_replaced_though_it_has_the_size_and_the_time_of_before(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    store.take_calls()
    site.write(site_css="BODY {}")

    text = site.collect()

    assert site.get("site.css") == b"BODY {}"
    assert writes(store) == ["put"]
    assert "1 static file copied, 2 unmodified" in text


def test_a_dry_run_tells_what_it_would_copy_and_writes_nothing(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    store.take_calls()
    site.write(site_css="p {}", new_js="1")

    text = site.collect(dry_run=True)

    assert writes(store) == []
    assert "2 static files copied, 2 unmodified" in text


def test_clear_empties_nested_folders_and_only_its_location(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    for key in ("static/old/deep/er.css", "static/img/old.png", "statics.css", "up/a"):
        store.put(key, b"old")
    store.put("mkv-session-1", b"session")

    site.collect(clear=True)

    assert site.stored() == [
        "mkv-session-1",
        "static/img/big/sky.png",
        "static/img/logo.png",
        "static/site.css",
        "statics.css",
        "up/a",
    ]


def test_clear_without_a_location_leaves_sessions_alone(
    settings: Settings, tmp_path: Path, store: WatchedStore
) -> None:
    site = StaticSite(settings, tmp_path / "assets", store, PLAIN, location="")
    site.write(a_css="a")
    for key in ("mkv-session-1", "b/c.css"):
        store.put(key, b"old")

    site.collect(clear=True)

    assert site.stored() == ["a.css", "mkv-session-1"]


def test_without_post_processing_all_is_stored_too(
    site: StaticSite, store: WatchedStore
) -> None:
    store.put("static/old/a.css", b"old")

    site.collect(post_process=False, clear=True)

    assert len(site.stored()) == 3
    store.take_calls()
    assert "3 unmodified" in site.collect(post_process=False)
    assert writes(store) == []


@pytest.mark.parametrize("post_process", [True, False])
def test_a_failed_upload_fails_the_command(
    site: StaticSite, store: WatchedStore, post_process: bool
) -> None:
    store.failing = {"put"}

    with pytest.raises(StoreUnavailable):
        site.collect(post_process=post_process)

    store.recover()
    assert "3 static files copied" in site.collect(post_process=post_process)


def test_a_file_that_is_replaced_is_never_missing(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()
    site.write(site_css="p {}")
    store.failing = {"put"}

    with pytest.raises(StoreUnavailable):
        site.collect()

    assert site.get("site.css") == b"body {}"


def test_large_files_are_streamed(site: StaticSite, store: WatchedStore) -> None:
    film = bytes(range(256)) * (17 * 2**12)  # 17 MiB
    site.write(film_mp4=film)

    site.collect()

    assert "put_file" in store.take_calls()
    assert site.get("film.mp4") == film
    assert "4 unmodified" in site.collect()


def test_any_name_of_a_file_is_collected(site: StaticSite) -> None:
    names = ["über uns.css", "icon@2x.png", "a%20b.js", "100%.txt", "mkv-no.txt"]
    for name in names:
        site.write_at(name, name)

    site.collect()

    assert f"{len(names) + 3} unmodified" in site.collect()
    for name in names:
        with site.storage.open(name) as file:
            assert file.read() == name.encode()


def test_outside_of_the_command_the_storage_is_live(
    site: StaticSite, store: WatchedStore
) -> None:
    site.collect()

    store.delete("static/site.css")
    assert not site.storage.exists("site.css")
    store.put("static/other/new.css", b"new")
    assert site.storage.exists("other/new.css")
    assert "other" in site.storage.listdir("")[0]
    site.storage.delete("other/new.css")
    assert "static/other/new.css" not in store


def test_the_url_is_below_static_url_also_of_a_folder(site: StaticSite) -> None:
    assert site.storage.url("img/logo.png") == "/static/img/logo.png"
    assert site.storage.url("/img/logo.png") == "/static/img/logo.png"
    assert site.storage.url("img/") == "/static/img/"
    assert site.storage.url("") == "/static/"


def test_links_are_refused(site: StaticSite) -> None:
    with pytest.raises(Exception, match="remote"):
        site.collect(link=True)
