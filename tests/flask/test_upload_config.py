"""Where the files of a set go is said by the configuration, as with Flask-Uploads."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from minimalkv import InvalidArgument, KeyValueStore, get_store_from_url
from minimalkv.memory import DictStore
from minimalkv_flask.uploads import ALL, IMAGES, UploadSet, configure_uploads
from tests.flask.uploading import SECRET
from tests.forms import PNG


def app_with(**config: Any) -> Flask:
    app = Flask("site")
    app.config.update(SECRET_KEY=SECRET, **config)
    return app


def saved(app: Flask, own: UploadSet, **options: Any) -> str:
    with app.app_context():
        return own.save(FileStorage(io.BytesIO(PNG), "a.png"), **options).key


def photos(**options: Any) -> UploadSet:
    return UploadSet("photos", IMAGES, **options)


# Stores.


def test_set_uses_the_alias_uploads_or_the_default_store(tmp_path: Path) -> None:
    one, other = DictStore(), DictStore()
    app = app_with(MINIMALKV_STORES={"default": one})
    assert saved(app, photos()) in one
    app = app_with(MINIMALKV_STORES={"default": one, "uploads": other})
    assert saved(app, photos()) in other
    app = app_with(MINIMALKV_URL=f"hfs://{tmp_path}/data?fsync=false")
    assert saved(app, photos()) == "photos/a.png"
    assert (tmp_path / "data/photos/a.png").read_bytes() == PNG


@pytest.mark.parametrize("kind", ["alias", "url", "object"])
@pytest.mark.parametrize("is_configured", [True, False])
def test_set_names_its_store(tmp_path: Path, kind: str, is_configured: bool) -> None:
    url = f"hfs://{tmp_path}/pics?fsync=false"
    store: dict[str, str | KeyValueStore]
    store = {"alias": "pics", "url": url, "object": get_store_from_url(url)}
    app = app_with(MINIMALKV_STORES={"uploads": "hmemory://", "pics": url})
    own = photos(store=None if is_configured else store[kind])
    if is_configured:
        app.config["UPLOADED_PHOTOS_STORE"] = store[kind]
    saved(app, own)
    assert (tmp_path / "pics/photos/a.png").read_bytes() == PNG


def test_configuration_wins_over_the_code() -> None:
    one, other = DictStore(), DictStore()
    app = app_with(UPLOADED_PHOTOS_STORE=one, UPLOADED_PHOTOS_PREFIX="x-")
    app.config["UPLOADED_PHOTOS_MAX_BYTES"] = len(PNG)
    own = photos(store=other, prefix="y-", max_bytes=1, default_dest=lambda app: "/no")
    assert saved(app, own) == "x-a.png"
    assert one.keys() == ["x-a.png"]


def test_store_without_slashes_gets_dashes() -> None:
    app = app_with(MINIMALKV_URL="memory://")
    assert saved(app, photos()) == "photos-a.png"
    assert saved(app, photos(), folder="b/c") == "photos-b-c-a.png"


@pytest.mark.parametrize("prefix", ["", "a/b/", "a_"])
def test_prefix_is_as_it_was_given(prefix: str) -> None:
    app = app_with(MINIMALKV_URL="hmemory://")
    assert saved(app, photos(prefix=prefix)) == f"{prefix}a.png"
    app.config["UPLOADED_PHOTOS_PREFIX"] = prefix
    assert saved(app, photos(prefix="z"), folder="x") == f"{prefix}x/a.png"


def test_usual_settings_are_for_all_sets() -> None:
    one = DictStore()
    app = app_with(UPLOADS_DEFAULT_STORE=one, UPLOADS_DEFAULT_MAX_BYTES=9)
    with app.app_context():
        assert photos().config.max_bytes == 9
        assert photos(max_bytes=8).config.max_bytes == 8
        assert photos().config.store is one


# Folders of Flask-Uploads.


def test_folder_has_the_names_of_flask_uploads(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old.jpg").write_bytes(b"of Flask-Uploads")
    (tmp_path / "old/b_1.jpg").write_bytes(b"of Flask-Uploads, too")
    app = app_with(UPLOADED_PHOTOS_DEST=str(tmp_path))
    own = photos()
    assert saved(app, own) == "a.png"
    assert saved(app, own, folder="old", name="b.") == "old/b.png"
    with app.app_context():
        names = ["a.png", "old.jpg", "old/b.png", "old/b_1.jpg"]
        assert sorted(own.list()) == names
        for name in names:
            with own.open(name) as source:
                assert source.read() == (tmp_path / name).read_bytes()
            assert own.path(name) == str(tmp_path / name)


@pytest.mark.parametrize("folder", ["a b%ä", "x/../y", Path("z")])
def test_folder_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str | Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    saved(app_with(UPLOADED_PHOTOS_DEST=folder), photos())
    assert (tmp_path / folder / "a.png").read_bytes() == PNG


def test_folder_may_come_from_a_function_or_be_one_of_many(tmp_path: Path) -> None:
    config = {
        "UPLOADS_DEFAULT_DEST": str(tmp_path / "all"),
        "MINIMALKV_URL": "memory://",
    }
    saved(app_with(**config), photos())
    assert (tmp_path / "all/photos/a.png").exists()
    own = photos(default_dest=lambda app: tmp_path / app.name)
    saved(app_with(**config), own)
    assert (tmp_path / "site/a.png").exists()
    saved(app_with(MINIMALKV_URL="memory://"), photos(default_dest=lambda app: ""))


# URLs.


def test_web_server_shows_the_files(tmp_path: Path) -> None:
    app = app_with(UPLOADED_PHOTOS_DEST=tmp_path, UPLOADED_PHOTOS_URL="https://x.org/p")
    with app.app_context():
        assert photos().url("a b/ü.png") == "https://x.org/p/a%20b/%C3%BC.png"
    app = app_with(
        UPLOADS_DEFAULT_DEST=tmp_path, UPLOADS_DEFAULT_URL="https://x.org/all/"
    )
    with app.app_context():
        assert photos().url("a.png") == "https://x.org/all/photos/a.png"


def test_usual_url_is_not_that_of_a_set_with_a_place_of_its_own(tmp_path: Path) -> None:
    app = app_with(UPLOADED_PHOTOS_DEST=tmp_path, UPLOADS_DEFAULT_URL="https://x.org/")
    own = photos()
    configure_uploads(app, own)
    with app.test_request_context():
        assert own.url("a.png").startswith("http://localhost/files/")


def test_files_are_served_to_everybody_only_if_that_is_wanted(tmp_path: Path) -> None:
    own, others = photos(), UploadSet("others", ALL)
    for is_wanted in (True, False):
        app = app_with(UPLOADS_DEFAULT_DEST=tmp_path, UPLOADS_AUTOSERVE=is_wanted)
        configure_uploads(app, [own])
        configure_uploads(app, own)
        saved(app, own)
        saved(app, others)
        client = app.test_client()
        answer = client.get("/_uploads/photos/a.png")
        assert answer.status_code == (200 if is_wanted else 404)
        assert (answer.data == PNG) is is_wanted
        answer.close()
        (tmp_path / "photos/_pending-a.png").write_bytes(PNG)
        hidden = "photos/_pending-a.png", "others/a.png", "photos/../others/a.png"
        for other in (*hidden, "photos/none.png"):
            assert client.get(f"/_uploads/{other}").status_code == 404
        with app.test_request_context():
            is_public = own.url("a.png") == "http://localhost/_uploads/photos/a.png"
            assert is_public is is_wanted


# What is wrong.


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({}, "No store is configured"),
        ({"UPLOADED_PHOTOS_STORE": "none", "MINIMALKV_URL": "memory://"}, "'none'"),
        (
            {"UPLOADED_PHOTOS_STORE": "memory://", "UPLOADED_PHOTOS_DEST": "x"},
            "not both",
        ),
        ({"MINIMALKV_URL": "memory://", "UPLOADED_PHOTOS_MAX_BYTES": "9"}, "'9'"),
        ({"MINIMALKV_URL": "memory://", "UPLOADED_PHOTOS_MAX_BYTES": -1}, "-1"),
        ({"MINIMALKV_URL": "memory://", "UPLOADED_PHOTOS_ALLOW": "jpg"}, "'jpg'"),
        ({"MINIMALKV_URL": "memory://", "UPLOADED_PHOTOS_DENY": "jpg"}, "'jpg'"),
    ],
)
def test_unusable_setting_is_said_when_the_set_is_configured(
    config: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidArgument, match=match):
        configure_uploads(app_with(**config), photos())
