"""What a listing does not show: symbolic links, and buckets that are not there yet."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from minimalkv import StoreError, get_store_from_url
from minimalkv.cli import main
from minimalkv.memory import DictStore
from minimalkv.sync import sync
from tests.sync.tools import contents

BUCKETS = ("s3_server", "azure_server", "gcs_server")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Return a source in which values are behind links, and a target that has them."""
    there = {"photos/a": b"1", "photos/b/c": b"2", "film": b"3", "old/d": b"4"}
    with get_store_from_url(f"hfs://{tmp_path}/target") as target:
        target.put_many(there)
    with get_store_from_url(f"hfs://{tmp_path}/big") as big:
        big.put_many({"a": b"1", "b/c": b"2", "film": b"3"})
    source = tmp_path / "source"
    source.mkdir()
    (source / "photos").symlink_to(tmp_path / "big")
    (source / "film").symlink_to(tmp_path / "big" / "film")
    (source / "plain").write_bytes(b"5")
    return f"hfs://{source}", f"hfs://{tmp_path}/target"


def test_what_is_behind_a_link_in_the_source_is_not_deleted(
    folders: tuple[str, str],
) -> None:
    result = CliRunner().invoke(main, ["sync", "--delete", *folders])
    assert result.exit_code == 1
    assert "refused photos/a: It is not deleted: the source has a sym" in result.stderr
    assert "Not complete: 3 refused" in result.stderr
    assert "1 deleted" in result.stdout
    with get_store_from_url(folders[1]) as target:
        assert sorted(target.keys()) == ["film", "photos/a", "photos/b/c", "plain"]


@pytest.mark.parametrize("wrapper", ["readonly", "urlencode"])
def test_a_link_is_found_below_wrappers(folders: tuple[str, str], wrapper: str) -> None:
    with (
        get_store_from_url(f"{folders[0]}#wrap:{wrapper}") as source,
        get_store_from_url(folders[1]) as target,
    ):
        report = sync(source, target, delete=True, dry_run=True)
        keys = {problem.key for problem in report.problems}
        has_slash = wrapper == "readonly"
        assert keys == ({"film", "photos/a", "photos/b/c"} if has_slash else {"film"})
        assert len(contents(target)) == 4


@pytest.mark.parametrize("kind", BUCKETS)
def test_a_dry_run_makes_no_bucket(request: pytest.FixtureRequest, kind: str) -> None:
    url = request.getfixturevalue(kind).url(create=False)
    no_making = f"{url}{'&' if '?' in url else '?'}create_if_missing=false"
    source = DictStore({"a": b"1"})
    with (
        get_store_from_url(url) as target,
        get_store_from_url(no_making) as looked_at,
    ):
        report = sync(source, target, dry_run=True, delete=True)
        assert (report.copied, report.complete) == (1, True)
        assert sync(target, source, dry_run=True).listed == 0
        for dry_run in (True, False):
            with pytest.raises(StoreError):
                sync(source, looked_at, dry_run=dry_run)
        assert sync(source, target).copied == 1, "The store itself is as it was."
        assert contents(looked_at) == source.d
