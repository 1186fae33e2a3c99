"""A replicated SeaweedFS of three volume servers loses one of them under load."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from pytest_django import Settings

from minimalkv import StoreError, get_store_from_url
from tests.backends.weed import Cluster, Volume, replicated_weed
from tests.net.redis_groups import failure, kill
from tests.reliability.load import Load
from tests.reliability.visits import makers
from tests.waiting import wait_until

pytestmark = pytest.mark.stress

WITHIN_SECS: Final = 15


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with replicated_weed() as cluster:
        yield cluster


@pytest.mark.parametrize("times", range(3))
def test_visitors_go_on_when_a_volume_server_is_killed(
    times: int, cluster: Cluster, settings: Settings, tell: Callable[[str], None]
) -> None:
    del times
    url = cluster.gateway.url()
    settings.MINIMALKV_SESSION_STORE = url
    with Load(makers(url)) as load:
        load.runs(2)
        wait_until(lambda: stored_bytes(fullest(cluster)) > 200_000)
        # A write is acknowledged when both servers have it.
        load.is_safe(lambda: None)
        load.loses(lambda: kill(fullest(cluster)))
        outcome = load.recovers(WITHIN_SECS)
    tell(str(outcome))
    assert outcome.wrong == []
    assert outcome.lost == {}


def fullest(cluster: Cluster) -> Volume:
    return max(cluster.volumes, key=stored_bytes)


def stored_bytes(volume: Volume) -> int:
    return sum(file.stat().st_size for file in volume.folder.glob("*.dat"))


def test_with_two_volume_servers_only_reads_go_on() -> None:
    with (
        replicated_weed(2) as (gateway, volumes),
        get_store_from_url(gateway.url(timeout=2)) as store,
    ):
        store.put("key", b"value" * 10_000)
        kill(volumes[0])
        assert store.get("key") == b"value" * 10_000
        assert isinstance(failure(store.put, "key", b"new" * 10_000), StoreError)
        assert store.get("key") == b"value" * 10_000
