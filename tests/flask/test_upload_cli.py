"""``flask kv uploads`` in a terminal."""

import re
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from minimalkv_flask.uploads import IMAGES, UploadSet
from tests.clocks import FakeClock
from tests.flask.uploading import Site
from tests.forms import PNG


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["kv", "uploads", *arguments])


@pytest.fixture
def filled(site: Site, tmp_path: Path) -> Site:
    """Return a site with files, and with an upload that nobody attached."""
    photos = UploadSet("photos", IMAGES)
    site.app.config["UPLOADED_PHOTOS_MAX_BYTES"] = 99_999
    site.app.config["UPLOADED_VIDEOS_DEST"] = tmp_path / "videos"
    site.store.put("photos/a.png", PNG)
    site.store.put("photos/ada/b.png", b"b")
    site.store.put("others/c.png", b"c")
    site.store.put("mkv-session-a", b"{}")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/d.mp4").write_bytes(b"d" * 1234)
    with site.app.test_request_context():
        allowed = photos.direct_upload("e.png")
    site.client.put(allowed["url"], data=PNG, headers=allowed["headers"])
    return site


def test_files_are_listed(filled: Site) -> None:
    lines = run(filled.app, "list").output.splitlines()
    assert [line.split()[-1] for line in lines] == [
        "photos/a.png",
        "photos/ada/b.png",
        "d.mp4",
    ]
    assert re.fullmatch(r" +10,248  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d  \S+", lines[0])
    assert run(filled.app, "list", "videos").output.count("\n") == 1
    filled.app.config["UPLOADED_ALL_PREFIX"] = ""
    assert "mkv-" not in run(filled.app, "list", "ALL").output


def test_what_nobody_attached_is_purged(filled: Site, clock: FakeClock) -> None:
    del clock  # its time is long after that of the upload
    keys = filled.store.keys()
    assert run(filled.app, "purge", "--hours", "1e9").output == "Files deleted: 0\n"
    assert run(filled.app, "purge", "videos").output == "Files deleted: 0\n"
    assert filled.store.keys() == keys
    assert run(filled.app, "purge").output == "Files deleted: 1\n"
    assert len(filled.store.keys()) == len(keys) - 1
    assert "photos/a.png" in filled.store


def test_young_upload_is_not_purged(filled: Site) -> None:
    assert run(filled.app, "purge").output == "Files deleted: 0\n"
    assert run(filled.app, "purge", "--hours", "-1").exit_code == 2


def test_no_set_is_known_without_a_setting(site: Site) -> None:
    result = run(site.app, "list")
    assert result.exit_code == 2
    assert "Name a set" in result.output


def test_wrong_setting_is_one_line(site: Site) -> None:
    site.app.config["UPLOADED_PHOTOS_STORE"] = "none"
    result = run(site.app, "purge")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "MINIMALKV_STORES has no 'none'" in result.output
