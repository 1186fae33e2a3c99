"""A set of uploads: how it names its files, which it takes, and where it finds them."""

import io
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from minimalkv import (
    InvalidArgument,
    InvalidKey,
    Unsupported,
)
from minimalkv_flask import uploads
from minimalkv_flask.uploads import (
    ALL,
    DEFAULTS,
    IMAGES,
    TEXT,
    AllExcept,
    UploadNotAllowed,
    UploadSet,
    UploadTooLarge,
)
from tests.files.samples import SAMPLES
from tests.flask.uploading import Site
from tests.forms import PNG

photos = UploadSet("photos", IMAGES + TEXT, max_bytes=50_000)


def storage(data: bytes = PNG, filename: str | None = "a.png") -> FileStorage:
    return FileStorage(io.BytesIO(data), filename, "photo")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "a.png"),
        ({"name": "me.png"}, "me.png"),
        ({"name": "me."}, "me.png"),
        ({"name": "me"}, "me.png"),
        ({"name": "me.jpg"}, "me.png"),
        ({"name": "ada/me."}, "ada/me.png"),
        ({"folder": "ada"}, "ada/a.png"),
        ({"folder": "ada/b", "name": "../me."}, "ada/b/me.png"),
        ({"name": "../../etc/passwd"}, "file/file/etc/passwd.png"),
    ],
)
def test_saved_file_has_the_name_it_was_given(
    site: Site, options: dict[str, str], expected: str
) -> None:
    with site.app.app_context():
        name = photos.save(storage(), **options)
        assert (name, name.key) == (expected, f"photos/{expected}")
        again = photos.save(storage(), **options)
        assert again != name
        stem, ending = expected.split(".")
        assert re.fullmatch(rf"{stem}_[\w-]{{12}}\.{ending}", again)
        assert site.store.get(again.key) == PNG


def test_saved_file_has_a_small_ending(site: Site) -> None:
    with site.app.app_context():
        assert photos.save(storage(filename="ME.PNG")) == "ME.png"
        assert photos.save(storage(b"x", "No.TXT"), name="A.") == "A.txt"


@pytest.mark.parametrize(
    ("data", "filename", "error"),
    [
        (b"<html>", "a.png", UploadNotAllowed),
        (PNG, "", UploadNotAllowed),
        (PNG, None, UploadNotAllowed),
        (b"x" * 50_001, "a.txt", UploadTooLarge),
    ],
)
def test_saving_what_is_refused_raises(
    site: Site, data: bytes, filename: str | None, error: type[Exception]
) -> None:
    with site.app.app_context(), pytest.raises(error):
        photos.save(storage(data, filename))
    assert site.store.keys() == []


def test_only_files_are_saved(site: Site) -> None:
    with site.app.app_context(), pytest.raises(TypeError):
        photos.save(io.BytesIO(PNG))  # type: ignore[arg-type] # that is the test


class Once(io.BytesIO):
    """A file that cannot be read again."""

    def seekable(self) -> bool:
        return False


def test_file_that_cannot_be_read_again_is_saved(site: Site) -> None:
    with site.app.app_context():
        name = photos.save(FileStorage(Once(PNG), "a.png"))
        assert site.store.get(name.key) == PNG
        with pytest.raises(UploadNotAllowed):
            photos.save(FileStorage(Once(PNG), "a.exe"))


# What is taken.


@pytest.mark.parametrize(
    ("extensions", "config", "taken"),
    [
        (IMAGES, {}, {"png", "jpg", "webp"}),
        (IMAGES, {"ALLOW": ["svg"]}, {"png", "jpg", "webp", "svg"}),
        (IMAGES, {"DENY": ["jpg"]}, {"png", "webp"}),
        (IMAGES, {"DENY": ["jpg"], "ALLOW": ["jpg"]}, {"png", "jpg", "webp"}),
        (["image/*"], {}, {"png", "jpg", "webp", "svg"}),
        ((".PNG",), {}, {"png"}),
        (AllExcept(("exe", "svg", "pl")), {}, {"png", "jpg", "webp", "txt", "ini"}),
        (ALL, {"DENY": ["image/*"]}, {"txt", "ini", "exe", "pl"}),
        (DEFAULTS, {}, {"png", "jpg", "webp", "txt", "ini"}),
        (("exe",), {}, {"exe"}),
        ((), {}, set()),
    ],
)
def test_types_are_taken_and_refused(
    site: Site, extensions: Any, config: dict[str, Any], taken: set[str]
) -> None:
    own = UploadSet("own", extensions)
    site.app.config.update(
        {f"UPLOADED_OWN_{word}": said for word, said in config.items()}
    )
    tried = ("png", "jpg", "webp", "svg", "txt", "ini", "exe", "pl")
    with site.app.app_context():
        assert {one for one in tried if own.extension_allowed(one)} == taken
        names = {one: storage(SAMPLES[one], f"x.{one.upper()}") for one in tried}
        assert {o for o, s in names.items() if own.file_allowed(s, f"x.{o}")} == taken
        for one in tried:
            if one in taken:
                assert own.save(names[one]) == f"x.{one}"
            else:
                with pytest.raises(UploadNotAllowed):
                    own.save(names[one])


def test_all_except_contains_what_it_does_not_name() -> None:
    some = AllExcept(("exe",))
    assert "png" in some
    assert "exe" not in some
    assert "exe" in ALL
    assert repr(some) == "AllExcept(('exe',))"


@pytest.mark.parametrize("wrong", ["jpg", ("jpg", 1)])
def test_single_text_is_no_list_of_endings(wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="list or tuple"):
        UploadSet("photos", wrong)
    with pytest.raises(InvalidArgument):
        AllExcept(wrong)


@pytest.mark.parametrize("name", ["", "a_b", "a/b", "ü", "a-b"])
def test_set_is_named_by_letters_and_digits(name: str) -> None:
    with pytest.raises(InvalidArgument):
        UploadSet(name)


def test_method_may_decide_otherwise(site: Site) -> None:
    class Careful(UploadSet):
        def file_allowed(self, storage: FileStorage, basename: str) -> bool:
            return super().file_allowed(storage, basename) and basename != "no.png"

    careful = Careful("photos")
    with site.app.app_context():
        assert careful.save(storage())
        with pytest.raises(UploadNotAllowed):
            careful.save(storage(filename="no.png"))


# Files that are there.


def test_files_are_found_listed_read_and_deleted(site: Site) -> None:
    with site.app.test_request_context():
        names = [
            photos.save(storage()),
            photos.save(storage(), folder="ada"),
            photos.save(storage(), folder="ada/x"),
        ]
        site.store.put("others/a.png", b"not of this set")
        assert sorted(photos.list()) == sorted(names)
        assert sorted(photos.list("ada")) == ["ada/a.png", "ada/x/a.png"]
        assert photos.exists("ada/a.png")
        assert photos.key("ada/a.png") == "photos/ada/a.png"
        with photos.open("ada/a.png") as source:
            assert source.read() == PNG
        photos.delete("ada/a.png")
        photos.delete("ada/a.png")
        assert not photos.exists("ada/a.png")


def test_names_lead_to_no_other_set(site: Site) -> None:
    site.store.put("others/a.png", b"not of this set")
    with site.app.test_request_context():
        for outside in ("../others/a.png", "", "a\n", "/"):
            assert not photos.exists(outside)
            with pytest.raises(InvalidKey):
                photos.delete(outside)
    assert "others/a.png" in site.store


def test_what_is_no_file_of_a_set_cannot_be_named(site: Site) -> None:
    everything = UploadSet("everything", ALL, prefix="")
    site.store.put("mkv-session-a", b"{}")
    site.store.put("_pending-006b046b9b-x-a.png", PNG)
    with site.app.test_request_context():
        assert list(everything.list()) == []
        for name in site.store:
            assert not everything.exists(name)
            for use in (everything.open, everything.delete, everything.signed_url):
                with pytest.raises(InvalidKey):
                    use(name)
        with pytest.raises(InvalidKey):
            everything.save(storage(), name="mkv-session-b")
    assert len(site.store.keys()) == 2


def test_refusal_of_ones_own_needs_no_words(site: Site) -> None:
    def view() -> None:
        raise UploadNotAllowed

    assert site.sends(view).status_code == 415
    error = pickle.loads(pickle.dumps(UploadTooLarge("too large")))
    assert (str(error), error.code, type(error)) == ("too large", 413, UploadTooLarge)


def test_path_is_that_of_a_file(tmp_path: Path) -> None:
    app = Flask("site")
    app.config["MINIMALKV_STORES"] = {
        "uploads": f"hfs://{tmp_path}/data?fsync=false",
        "memory": "hmemory://",
    }
    with app.app_context():
        name = photos.save(storage(), folder="ä b")
        assert Path(photos.path(name)).read_bytes() == PNG
        assert photos.path("a.png", "ä b") == photos.path(name)
        with pytest.raises(InvalidKey):
            photos.path("../../etc/passwd")
        app.config["UPLOADED_PHOTOS_STORE"] = "memory"
        with pytest.raises(Unsupported, match="keeps no files"):
            photos.path(name)


def test_public_names_are_there() -> None:
    assert uploads.__all__ == sorted(
        uploads.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )
    assert all(hasattr(uploads, name) for name in uploads.__all__)
