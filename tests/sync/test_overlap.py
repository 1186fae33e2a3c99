"""Two stores of which one is inside the other are refused, before anything is done."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from minimalkv import InvalidArgument, get_store_from_url
from minimalkv.cli import main
from minimalkv.sync import SyncReport, sync
from tests.sync.tools import contents, url_of

VALUES = {"a": b"1", "photos/b": b"2"}
SERVERS = ("s3_server", "azure_server", "gcs_server", "redis_server")


def run(source: str, target: str, **options: Any) -> SyncReport:
    with get_store_from_url(source) as here, get_store_from_url(target) as there:
        return sync(here, there, **options)


def refused(source: str, target: str, **options: Any) -> None:
    """Assert that neither way anything is done."""
    for pair in ((source, target), (target, source)):
        with pytest.raises(InvalidArgument, match=r"inside the .*side by side"):
            run(*pair, **options)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with get_store_from_url(f"hfs://{tmp_path}/data") as store:
        store.put_many(VALUES)
    return tmp_path / "data"


def test_a_folder_in_the_folder_is_refused_and_nothing_is_lost(data: Path) -> None:
    refused(f"hfs://{data}", f"hfs://{data}/photos", delete=True)
    refused(f"hfs://{data}", f"hfs://{data}/backup", dry_run=True)
    refused(f"hfs://{data}", f"hfs://{data}/backup", missing_only=True)
    with get_store_from_url(f"hfs://{data}") as store:
        assert contents(store) == VALUES
    assert not (data / "backup").exists()


def test_a_link_to_the_folder_is_seen_through(data: Path) -> None:
    link = data.parent / "link"
    link.symlink_to(data)
    refused(f"hfs://{data}", f"hfs://{link}/photos")
    refused(f"hfs://{link}", f"hfs://{data}/photos#wrap:readonly", dry_run=True)


def test_a_name_that_only_begins_alike_is_no_overlap(data: Path) -> None:
    assert run(f"hfs://{data}", f"hfs://{data}-2").copied == 2


def test_a_store_without_folders_may_have_one_below_it(data: Path) -> None:
    for _ in range(2):
        assert run(f"fs://{data}", f"hfs://{data}/backup").listed == 1


def test_the_same_place_has_everything_already(data: Path) -> None:
    link = data.parent / "link"
    link.symlink_to(data)
    report = run(f"hfs://{data}", f"hfs://{link}", delete=True, verify=True)
    assert (report.same, report.copied, report.deleted) == (2, 0, 0)


def test_the_same_place_under_other_keys_is_refused(data: Path) -> None:
    refused(f"hfs://{data}", f"hfs://{data}#wrap:urlencode")
    refused(f"hfs://{data}", f"hfs://{data}#wrap:prefix(photos/)")


def test_a_prefix_of_the_run_may_keep_them_apart(data: Path) -> None:
    inside = f"hfs://{data}#wrap:prefix(photos/)"
    assert run(f"hfs://{data}", inside, prefix="a").copied == 1
    refused(f"hfs://{data}", inside, prefix="p")


@pytest.mark.parametrize("kind", SERVERS)
def test_a_prefix_in_a_server_is_refused(
    request: pytest.FixtureRequest, kind: str
) -> None:
    url = url_of(request, kind)
    with get_store_from_url(url) as store:
        store.put("a", b"1")
    refused(url, f"{url}#wrap:prefix(old-)", delete=True)
    with get_store_from_url(url) as store:
        assert contents(store) == {"a": b"1"}
    assert run(f"{url}#wrap:prefix(new-)", f"{url}#wrap:prefix(old-)").listed == 0
    assert run(url, url_of(request, kind)).copied == 1, "Another one of the server."


def test_a_prefix_in_the_url_of_a_bucket_is_refused(
    request: pytest.FixtureRequest,
) -> None:
    url = url_of(request, "s3_server")
    before, _, options = url.partition("?")
    refused(url, f"{before}/sub/?{options}", delete=True)


def test_the_command_says_so_in_one_line(data: Path) -> None:
    urls = [f"hfs://{data}/photos", f"hfs://{data}"]
    result = CliRunner().invoke(main, ["sync", "--delete", *urls])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The source is inside the target")
    assert result.stderr.count("\n") == 1
