"""The faults of the proxy that change a bit, and the one that is slow."""

import http.client
import time

from tests.net import test_proxy
from tests.net.answering import BODY
from tests.net.test_proxy import ask
from tests.proxy import Drip, Flip, FlipSent, Proxy

client, done = test_proxy.client, test_proxy.done
proxy = test_proxy.proxy

Client = http.client.HTTPConnection


def test_a_bit_is_flipped_where_there_is_a_checksum(
    proxy: Proxy, client: Client
) -> None:
    proxy.fault = Flip(0.5, times=2)
    assert ask(client) == BODY  # no header has a checksum: who could notice?
    assert proxy.fault.happened == 0
    flipped = ask(client, "/summed")
    assert [
        n for n, (a, b) in enumerate(zip(flipped, BODY, strict=True)) if a != b
    ] == [50]
    assert proxy.fault.happened == 1


def test_a_bit_is_flipped_on_its_way_up(
    proxy: Proxy, client: Client, done: list[str]
) -> None:
    proxy.fault = FlipSent(0.5, times=1)
    assert ask(client, "/a", "PUT", body=BODY) == b"100"
    assert ask(client, "/a", "PUT", body=BODY) == b"100"
    assert (proxy.fault.happened, done) == (1, ["/a", "/a"])


def test_a_slow_drip_brings_everything(proxy: Proxy, client: Client) -> None:
    proxy.fault = Drip(5, 0.01, after=20)
    began = time.monotonic()
    assert ask(client) == BODY
    assert time.monotonic() - began >= 0.05
    assert proxy.fault.happened == 1
