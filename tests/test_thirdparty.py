"""A backend that somebody else wrote and installed, under the contract."""

from pathlib import Path

import pytest

from minimalkv import KeyValueStore, UnknownScheme, get_store, get_store_from_url
from minimalkv.testing import StoreContract
from tests.thirdparty import FourMethods, HFourMethods

_ENTRY_POINTS = """\
[minimalkv.stores]
mine = tests.thirdparty:FourMethods
hmine = tests.thirdparty:HFourMethods
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that has two schemes, as pip would have left it."""
    about = tmp_path / "site" / "somebody_else-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Name: somebody-else\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_ENTRY_POINTS)
    monkeypatch.syspath_prepend(about.parent)


class TestInstalledStore(StoreContract):
    @pytest.fixture
    def store(self, installed: None) -> KeyValueStore:
        return get_store_from_url("mine://")


class TestInstalledHStore(StoreContract):
    @pytest.fixture
    def store(self, installed: None) -> KeyValueStore:
        return get_store_from_url("hmine://#wrap:prefix(a/)")


@pytest.mark.usefixtures("installed")
def test_installed_scheme_opens_its_class() -> None:
    assert type(get_store_from_url("mine://")) is FourMethods
    assert type(get_store("hmine")) is HFourMethods
    with get_store_from_url("mine://#wrap:readonly") as store:
        assert store.keys() == []


def test_scheme_that_nobody_installed_is_unknown() -> None:
    with pytest.raises(UnknownScheme, match="mine"):
        get_store_from_url("mine://")
