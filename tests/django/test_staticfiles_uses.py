"""The storages of static files in other hands than those of the command alone."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.management.commands.collectstatic import Command
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from pytest_django import Settings

from minimalkv import StoreUnavailable, get_store_from_url
from minimalkv_django.staticfiles import (
    KVManifestStaticFilesStorage,
    KVStaticFilesStorage,
)
from tests.django.static_site import PLAIN, StaticSite
from tests.watched import WatchedStore


class Combined(ManifestFilesMixin, KVStaticFilesStorage):  # type: ignore[misc]  # url()
    pass


class ManifestElsewhere(KVManifestStaticFilesStorage):
    def __init__(self, *, manifest_store: Any, **options: Any) -> None:
        elsewhere = KVStaticFilesStorage(manifest_store, location="manifests")
        super().__init__(manifest_storage=elsewhere, **options)


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore(get_store_from_url("hmemory://"))


@pytest.fixture
def site(settings: Settings, tmp_path: Path, store: WatchedStore) -> StaticSite:
    site = StaticSite(settings, tmp_path / "assets", store)
    site.write(css__a_css="p { background: url(../img/b.png) }", img__b_png=b"b")
    return site


def test_what_others_ask_meanwhile_is_answered_by_the_store(
    site: StaticSite, store: WatchedStore
) -> None:
    store.put("static/there.css", b"there")
    answers: list[bool] = []
    put = store._put

    def asking(key: str, data: bytes, **options: object) -> str | None:
        store.delete("static/there.css")
        thread = threading.Thread(
            target=lambda: answers.append(site.storage.exists("there.css"))
        )
        thread.start()
        thread.join()
        return put(key, data, **options)

    store._put = asking  # type: ignore[method-assign]  # what a visitor does meanwhile
    site.collect()

    assert answers == [False] * 5


def test_files_of_others_have_no_part_in_a_run(site: StaticSite) -> None:
    other = KVStaticFilesStorage("hmemory://", location="other")
    saved: list[str] = []

    class Curious(Command):
        def copy_file(self, *args: Any) -> None:
            saved.append(other.save(f"{len(saved)}.txt", ContentFile(b"x")))
            super().copy_file(*args)

    call_command(Curious(), interactive=False, verbosity=0)

    assert saved == ["0.txt", "1.txt"]
    assert all(map(other.exists, saved))
    assert other._run is None


def test_a_command_that_copies_in_threads_is_answered_by_the_store(
    site: StaticSite, store: WatchedStore
) -> None:
    class Hurried(Command):
        def copy_file(self, *args: Any) -> None:
            copy = super().copy_file
            thread = threading.Thread(target=lambda: copy(*args))
            thread.start()
            thread.join()

    for data in (b"b", b"B"):
        site.write(img__b_png=data)
        site.touch()
        call_command(Hurried(), interactive=False, verbosity=0)
        paths = site.storage.hashed_files
        assert site.get("img/b.png") == data
        assert site.get(paths["img/b.png"]) == data
    assert "delete" in store.take_calls()


def test_what_is_written_through_a_file_is_not_forgotten(
    site: StaticSite, store: WatchedStore
) -> None:
    site.use(PLAIN)
    site.collect()

    class Breaking(Command):
        def copy_file(self, path: str, prefixed_path: str, source_storage: Any) -> None:
            with self.storage.open(prefixed_path, "wb") as file:
                file.write(b"broken")
            super().copy_file(path, prefixed_path, source_storage)

    call_command(Breaking(), interactive=False, verbosity=0)

    assert site.get("img/b.png") == b"b"


def test_a_mixin_of_django_works_in_front_of_the_plain_storage(
    site: StaticSite, store: WatchedStore
) -> None:
    site.use(f"{__name__}.Combined")

    site.collect()

    assert len(site.stored()) == 5
    site.write(img__b_png=b"B")
    store.failing = {"put"}
    with pytest.raises(StoreUnavailable):
        site.collect()


def test_the_manifest_may_be_in_another_storage(site: StaticSite) -> None:
    with get_store_from_url("hmemory://") as manifests:
        site.use(f"{__name__}.ManifestElsewhere", manifest_store=manifests)
        site.collect()

        assert list(manifests.keys()) == ["manifests/staticfiles.json"]
        assert len(site.stored()) == 4
        site.use(f"{__name__}.ManifestElsewhere", manifest_store=manifests)
        assert site.storage.url("img/b.png").startswith("/static/img/b.")


def test_post_processing_needs_no_command(
    site: StaticSite, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    site.collect(post_process=False)
    caplog.set_level("INFO", "minimalkv_django")
    sources = FileSystemStorage(site.folder)
    storage = site.storage
    paths = {name: (sources, name) for name in ("css/a.css", "img/b.png")}

    done = list(storage.post_process(paths))

    assert sorted(name for name, _, processed in done if processed) == sorted(paths)
    assert set(storage.hashed_files) == set(paths)
    assert len(site.stored()) == 5
    assert caplog.messages[-1] == "collectstatic: 3 uploaded (0.0 MiB), 0 unchanged"
    store.delete("static/staticfiles.json")
    assert not storage.exists("staticfiles.json")


def test_the_store_is_the_one_of_the_alias_if_there_is_one(settings: Settings) -> None:
    settings.STATIC_URL = "/static/"
    settings.MINIMALKV_STORES = {"default": "hmemory://", "uploads": "hmemory://"}
    storage = KVStaticFilesStorage()
    storage.save("a.css", ContentFile(b"p {}"))

    from minimalkv_django.stores import stores

    assert list(stores["default"].keys()) == ["static/a.css"]
    assert list(stores["uploads"].keys()) == []
    settings.MINIMALKV_STORES = {
        "default": "hmemory://",
        "staticfiles": "hmemory://",
    }
    KVStaticFilesStorage().save("b.css", ContentFile(b"p {}"))
    assert list(stores["staticfiles"].keys()) == ["static/b.css"]
    assert list(stores["default"].keys()) == []


def test_another_domain_may_show_the_files() -> None:
    storage = KVStaticFilesStorage("hmemory://", custom_domain="cdn.example.com")

    assert storage.url("a/b.css") == "https://cdn.example.com/static/a/b.css"


def test_saving_replaces(site: StaticSite) -> None:
    site.use(PLAIN)

    for data in (b"one", b"two"):
        assert site.storage.save("a.txt", ContentFile(data)) == "a.txt"

    assert site.get("a.txt") == b"two"


def test_text_can_be_collected_too(site: StaticSite) -> None:
    site.use(PLAIN)

    class Generating(Command):
        def copy_file(self, path: str, prefixed_path: str, source_storage: Any) -> None:
            if self.delete_file(path, prefixed_path, source_storage):
                self.storage.save(prefixed_path, ContentFile("ü"))

    call_command(Generating(), interactive=False, verbosity=0)

    assert site.get("css/a.css") == "ü".encode()
