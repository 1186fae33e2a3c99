"""collectstatic to real servers: what it costs, and the headers of what is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from minimalkv import AccessDenied, StoreError, get_store_from_url
from tests.backends.base import StoreServer
from tests.backends.s3 import S3Server
from tests.django.static_site import MANIFEST, PLAIN, StaticSite
from tests.proxy import Answer, Proxy, Refuse
from tests.serving import SERVERS

FILES = 110
IMMUTABLE = "public, max-age=31536000, immutable"
BRIEF = "public, max-age=60"


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    with Proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def site(
    settings: Settings, tmp_path: Path, s3_server: S3Server, proxy: Proxy
) -> Iterator[StaticSite]:
    url = s3_server.through(s3_server.url(), proxy.port)
    with get_store_from_url(url) as store:
        site = StaticSite(settings, tmp_path / "assets", store)
        for number in range(FILES - 10):
            site.write_at(f"img/{number // 10}/{number:02}.svg", f"<svg>{number}</svg>")
        for number in range(10):
            style = f"p {{ background: url(../img/{number}/{number}0.svg) }}"
            site.write_at(f"css/{number}.css", style)
        yield site


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST])
def test_files_that_did_not_change_cost_a_listing(
    site: StaticSite, proxy: Proxy, backend: str
) -> None:
    site.use(backend)
    site.collect()

    for _ in range(2):
        site.use(backend)
        proxy.reset_counts()
        text = site.collect()
        assert f"0 static files copied, {FILES} unmodified" in text
        assert proxy.methods == ["GET"]
        site.touch()


def test_a_first_run_costs_a_request_for_each_file_and_one_more(
    site: StaticSite, proxy: Proxy
) -> None:
    proxy.reset_counts()

    site.collect()

    assert sorted(proxy.methods) == ["GET", *["PUT"] * (2 * FILES + 1)]
    assert len(site.stored()) == 2 * FILES + 1


def test_several_files_are_on_their_way_at_once(site: StaticSite, proxy: Proxy) -> None:
    proxy.reset_counts()

    site.collect()

    assert 1 < proxy.connections <= 9


def test_a_changed_file_costs_its_upload_and_those_of_what_refers_to_it(
    site: StaticSite, proxy: Proxy
) -> None:
    site.collect()
    site.write_at("img/3/30.svg", "<svg>new</svg>")
    proxy.reset_counts()

    site.collect()

    # The picture, the same with a hash, the stylesheet with another, the manifest.
    assert proxy.methods.count("PUT") == 4
    assert len(proxy.requests) == 5


def test_clear_costs_a_request_for_each_folder(site: StaticSite, proxy: Proxy) -> None:
    site.use(PLAIN)
    site.collect()
    proxy.reset_counts()

    site.collect(clear=True)

    folders = [*(f"img/{n}" for n in range(10)), "css"]
    assert proxy.methods.count("POST") == len(folders)
    assert proxy.methods.count("PUT") == FILES
    assert len(proxy.requests) == len(folders) + FILES + 1


def test_a_file_that_takes_several_parts_is_compared_by_reading_it(
    site: StaticSite, proxy: Proxy
) -> None:
    site.use(PLAIN)
    film = bytes(range(256)) * (9 * 2**12)  # 9 MiB
    site.write_at("film.mp4", film)
    site.collect()
    proxy.reset_counts()

    site.collect()

    assert proxy.methods[:2] == ["GET", "GET"]
    assert set(proxy.methods) == {"GET"}
    assert proxy.sent_bytes < 1.1 * len(film)


def test_an_unreachable_server_fails_the_command(
    site: StaticSite, proxy: Proxy
) -> None:
    proxy.fault = Refuse()

    with pytest.raises(StoreError):
        site.collect()


def test_an_upload_that_is_refused_leaves_the_manifest(
    site: StaticSite, proxy: Proxy
) -> None:
    site.collect()
    before = site.get("staticfiles.json")
    site.write_at("img/3/30.svg", "<svg>new</svg>")
    proxy.fault = Answer(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        on=lambda request: request.method == "PUT" and "/css/3." in request.path,
    )

    with pytest.raises(AccessDenied):
        site.collect()

    proxy.fault = None
    assert site.get("staticfiles.json") == before
    site.collect()
    assert site.get("staticfiles.json") != before


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_every_server_gets_what_changed_only(
    settings: Settings, tmp_path: Path, server: StoreServer
) -> None:
    with get_store_from_url(server.url()) as store:
        site = StaticSite(settings, tmp_path / "assets", store)
        site.write(css__a_css="p { background: url(../img/b.png) }", img__b_png=b"b")
        site.write_at("img/ü b.png", b"umlaut")
        first = site.collect()
        second = site.collect()
        site.write(img__b_png=b"B")
        third = site.collect()
        site.collect(clear=True)

        assert "7 uploaded" in first
        assert "0 uploaded" in second
        assert "4 uploaded" in third
        assert len(site.stored()) == 7


@pytest.mark.parametrize(
    "server", [name for name in SERVERS if name != "redis_server"], indirect=True
)
def test_names_with_a_hash_may_be_kept_for_ever(
    settings: Settings, tmp_path: Path, server: StoreServer
) -> None:
    with get_store_from_url(server.url()) as store:
        site = StaticSite(settings, tmp_path / "assets", store)
        site.write(a_css="p {}", b_png=b"b")
        site.collect()

        hashed = set(site.storage.hashed_files.values())
        assert len(hashed) == 2
        for key in site.stored():
            name = key.removeprefix("static/")
            expected = IMMUTABLE if name in hashed else BRIEF
            assert site.meta(name).headers["Cache-Control"] == expected
        assert site.meta("a.css").content_type == "text/css"


def test_the_headers_are_options(
    settings: Settings, tmp_path: Path, s3_server: S3Server
) -> None:
    with get_store_from_url(s3_server.url()) as store:
        site = StaticSite(
            settings,
            tmp_path / "assets",
            store,
            cache_control=None,
            hashed_cache_control="max-age=1",
        )
        site.write(a_css="p {}")
        site.collect()

        assert "Cache-Control" not in site.meta("a.css").headers
        hashed = site.storage.hashed_files["a.css"]
        assert site.meta(hashed).headers["Cache-Control"] == "max-age=1"
