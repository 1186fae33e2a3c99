"""Signed links to files, and uploads that go to a route of ours."""

import io
import re
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from minimalkv import InvalidArgument, KeyNotFound, KeyValueStore, get_store_from_url
from minimalkv_flask import MinimalKV
from minimalkv_flask.uploads import (
    ALL,
    IMAGES,
    InvalidToken,
    UploadIncomplete,
    UploadNotAllowed,
    UploadSet,
    configure_uploads,
    signed_url,
)
from tests.clocks import FakeClock
from tests.files.samples import SAMPLES
from tests.flask.uploading import SECRET, Site
from tests.forms import PNG

photos = UploadSet("photos", IMAGES, max_bytes=len(PNG))
MINE: Final = "photos/a b.png"


def link(site: Site, *args: Any, **options: Any) -> str:
    with site.app.test_request_context():
        return signed_url(*args, **options)


def get(site: Site, url: str, **options: Any) -> TestResponse:
    answer = site.client.get(url, **options)
    answer.get_data()
    answer.close()
    return answer


# Links.


def test_link_leads_to_the_file(site: Site) -> None:
    site.store.put(MINE, PNG)
    url = link(site, MINE)
    assert re.fullmatch(r"/files/[\w.-]+/a%20b\.png", url)
    answer = get(site, url)
    assert (answer.status_code, answer.data) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    caching = re.fullmatch(r"private, max-age=(\d+)", answer.headers["Cache-Control"])
    assert caching
    assert 3595 <= int(caching[1]) <= 4500
    assert get(site, url, headers={"Range": "bytes=0-3"}).data == PNG[:4]
    assert site.client.head(url).status_code == 200


def test_link_says_how_the_file_is_saved(site: Site) -> None:
    site.store.put(MINE, PNG)
    site.store.put("page.html", b"<html>")
    saved = get(site, link(site, MINE, as_attachment=True)).headers
    assert saved["Content-Disposition"].startswith('attachment; filename="a b.png"')
    named = link(site, MINE, download_name="ü/é.png")
    disposition = get(site, named).headers["Content-Disposition"]
    assert "filename*=UTF-8''%C3%BC_%C3%A9.png" in disposition
    page = get(site, link(site, "page.html", as_attachment=False))
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Content-Type"] == "application/octet-stream"


def test_link_of_a_missing_file_is_a_404(site: Site) -> None:
    assert get(site, link(site, "none.png")).status_code == 404


def test_link_stays_the_same_for_a_while_and_ends(site: Site, clock: FakeClock) -> None:
    site.store.put(MINE, PNG)
    clock.advance(1)  # from a moment at which a new one is given
    first = link(site, MINE, expires=400)
    clock.advance(50)
    assert link(site, MINE, expires=400) == first
    clock.advance(100)
    assert link(site, MINE, expires=400) != first
    clock.advance(250)
    assert get(site, first).status_code == 200
    clock.advance(100)
    answer = get(site, first)
    assert answer.status_code == 403
    assert "time is over" in answer.text


@pytest.mark.parametrize("place", [0, 10, 60, -1])
def test_altered_link_leads_nowhere(site: Site, place: int) -> None:
    site.store.put(MINE, PNG)
    before, token, name = link(site, MINE).rsplit("/", 2)
    letters = list(token)
    letters[place] = "A" if letters[place] != "A" else "Q"
    assert get(site, f"{before}/{''.join(letters)}/{name}").status_code == 403


def test_link_leads_to_no_other_file(site: Site) -> None:
    site.store.put(MINE, PNG)
    site.store.put("photos/other.png", b"secret")
    url = link(site, MINE)
    assert get(site, url.replace("a%20b.png", "other.png")).data == PNG
    assert get(site, url.replace("a%20b.png", "..%2Fother.png")).data == PNG
    assert get(site, url.rsplit("/", 1)[0]).status_code == 404


def test_link_to_a_store_that_left_the_configuration_is_a_404(site: Site) -> None:
    site.store.put(MINE, PNG)
    url = link(site, MINE)
    site.app.config["MINIMALKV_STORES"] = {"other": site.store}
    assert get(site, url).status_code == 404


def test_keys_are_rotated(site: Site) -> None:
    site.store.put(MINE, PNG)
    url = link(site, MINE)
    site.app.secret_key = "a new key"
    assert get(site, url).status_code == 403
    site.app.config["SECRET_KEY_FALLBACKS"] = [SECRET]
    assert get(site, url).status_code == 200
    site.app.config["SECRET_KEY_FALLBACKS"] = []
    assert get(site, link(site, MINE)).status_code == 200


def test_what_is_signed_for_one_thing_is_of_no_use_for_another(site: Site) -> None:
    others = UploadSet("others", IMAGES)
    with site.app.test_request_context():
        allowed = photos.direct_upload("a.png")
        token = photos.signed_url("a.png").split("/")[-2]
        for own, wrong in ((photos, token), (others, allowed["token"])):
            with pytest.raises(InvalidToken):
                own.attach(wrong)
    assert get(site, f"/files/{allowed['token']}/a.png").status_code == 403
    sent = site.client.put(f"/files/upload/photos@uploads/{token}", data=PNG)
    assert sent.status_code == 403


def test_session_has_no_link(site: Site) -> None:
    with pytest.raises(KeyNotFound):
        link(site, "mkv-session-a")


@pytest.mark.parametrize(
    ("args", "match"),
    [(["a", "none"], "MINIMALKV_STORES has no"), (["a", "memory://"], "alias")],
)
def test_store_of_a_link_is_an_alias(site: Site, args: list[str], match: str) -> None:
    with pytest.raises(InvalidArgument, match=match):
        link(site, *args)


def test_application_without_a_secret_key_signs_nothing(site: Site) -> None:
    url = link(site, MINE)
    site.app.secret_key = None
    with pytest.raises(InvalidArgument, match="SECRET_KEY"):
        link(site, MINE)
    assert get(site, url).status_code == 404
    assert site.client.put(f"/files/upload/a@/{'x' * 60}").status_code == 404


def test_links_are_below_a_prefix_or_nowhere() -> None:
    def app_with(**config: Any) -> Flask:
        app = Flask("site")
        app.config.update(SECRET_KEY=SECRET, MINIMALKV_URL="hmemory://", **config)
        MinimalKV(app)
        return app

    with app_with(MINIMALKV_FILES_URL_PREFIX="/x/y").test_request_context():
        assert signed_url("a.png").startswith("/x/y/")
        assert signed_url("a.png", external=True).startswith("http://localhost/x/y/")
    with (
        app_with(MINIMALKV_FILES_URL_PREFIX=None).test_request_context(),
        pytest.raises(InvalidArgument, match="configure_uploads"),
    ):
        signed_url("a.png")


def test_short_paths_stay_free_for_the_application(site: Site) -> None:
    assert get(site, "/files/report/a.png").status_code == 404
    assert site.app.url_map.bind("h").test("/files/report/a.png", "GET") is False


# Uploads.


def announced(site: Site, filename: str = "ü.png", **options: Any) -> dict[str, Any]:
    with site.app.test_request_context():
        return photos.direct_upload(filename, **options)


def put(site: Site, allowed: dict[str, Any], data: bytes, **said: Any) -> int:
    headers = {**allowed["headers"], **said.pop("headers", {})}
    sent = site.client.put(
        said.pop("url", allowed["url"]), data=data, headers=headers, **said
    )
    return sent.status_code


def test_upload_is_sent_and_attached(site: Site) -> None:
    allowed = announced(site)
    assert allowed.keys() == {"url", "method", "headers", "token", "expires"}
    assert isinstance(allowed["expires"], int)
    assert put(site, allowed, PNG) == 204
    with site.app.test_request_context():
        assert list(photos.list()) == []
        stored = photos.attach(allowed["token"])
        assert list(photos.list()) == [stored]
        assert re.fullmatch(r"u_[\w-]{12}\.png", stored)
        assert site.store.keys() == [stored.key] == [f"photos/{stored}"]
        assert (stored.filename, stored.size) == ("ü.png", len(PNG))
        with pytest.raises(UploadIncomplete):
            photos.attach(allowed["token"])


def test_upload_is_bound_to_what_was_allowed(site: Site, clock: FakeClock) -> None:
    allowed = announced(site, expires=60)
    url = allowed["url"]
    assert put(site, allowed, PNG + b"x") == 413
    assert put(site, allowed, PNG, headers={"Content-Type": "text/html"}) == 415
    assert put(site, allowed, PNG, url=url[:-1]) == 403
    assert put(site, allowed, PNG, url=url.replace("photos@", "others@")) == 403
    assert put(site, allowed, PNG, url=url.replace("@uploads", "@none")) == 404
    for method in ("POST", "GET", "DELETE", "PATCH"):
        answer = site.client.open(url, method=method, data=PNG)
        assert answer.status_code in (403, 405)
    assert site.store.keys() == []
    assert put(site, allowed, PNG) == 204
    assert put(site, allowed, PNG) == 403
    late = announced(site, expires=60)
    clock.advance(60)
    assert put(site, late, PNG) == 403


def test_interrupted_upload_leaves_nothing_and_is_sent_again(site: Site) -> None:
    allowed = announced(site)
    environ = {"CONTENT_LENGTH": str(len(PNG))}
    assert put(site, allowed, PNG[:-5], environ_overrides=environ) == 400
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert put(site, allowed, PNG, environ_overrides=chunked) == 411
    assert site.store.keys() == []
    assert put(site, allowed, PNG) == 204


def test_limit_of_the_application_counts(site: Site) -> None:
    allowed = announced(site)
    site.app.config["MAX_CONTENT_LENGTH"] = len(PNG) - 1
    assert put(site, allowed, PNG) == 413
    assert site.store.keys() == []


def test_rest_of_a_refused_upload_is_read(site: Site) -> None:
    allowed = announced(site)
    source = io.BytesIO(PNG)
    environ = {"wsgi.input": source, "wsgi.input_terminated": True}
    assert (
        put(site, allowed, PNG, url=allowed["url"][:-1], environ_overrides=environ)
        == 403
    )
    assert source.read() == b""


def test_type_is_refused_before_and_after(site: Site) -> None:
    with pytest.raises(UploadNotAllowed):
        announced(site, "a.exe")
    with pytest.raises(UploadNotAllowed):
        announced(site, "a.png", content_type="text/html")
    allowed = announced(site)
    assert put(site, allowed, b"<html><script>") == 204
    with site.app.test_request_context(), pytest.raises(UploadNotAllowed):
        photos.attach(allowed["token"])
    assert site.store.keys() == []


# Sets whose store nobody could find.


def app_without_extension() -> Flask:
    app = Flask("site")
    app.config["SECRET_KEY"] = SECRET
    return app


@pytest.mark.parametrize("is_url", [True, False])
def test_set_with_a_store_in_the_code_has_to_be_configured(
    is_url: bool, tmp_path: Any
) -> None:
    url = f"hfs://{tmp_path}/data?fsync=false"
    store: str | KeyValueStore = url if is_url else get_store_from_url(url)
    own = UploadSet("own", ALL, store=store)
    app = app_without_extension()
    with app.test_request_context():
        for use in (own.direct_upload, own.signed_url, own.url):
            with pytest.raises(InvalidArgument, match="configure_uploads"):
                use("a.txt")
    app = app_without_extension()
    configure_uploads(app, own)
    with app.test_request_context():
        allowed = own.direct_upload("a.txt")
        client = app.test_client()
        sent = client.put(allowed["url"], data=b"words", headers=allowed["headers"])
        assert sent.status_code == 204
        stored = own.attach(allowed["token"])
        for url in (own.url(stored), own.signed_url(stored)):
            assert str(tmp_path) not in url
            with client.get(url) as answer:
                assert answer.data == b"words"


def test_samples_are_shown_or_saved_but_never_run(site: Site) -> None:
    for ending, data in SAMPLES.items():
        site.store.put(f"x.{ending}", data)
        headers = get(site, link(site, f"x.{ending}")).headers
        acts = ending in ("html", "svg", "js", "xml", "php", "sh")
        is_saved = headers["Content-Disposition"].startswith("attachment")
        assert is_saved or not acts
        assert headers["X-Content-Type-Options"] == "nosniff"
