"""SeaweedFS in parts, each a process: a master, volume servers, a filer, a gateway."""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tests.backends import programs
from tests.backends.base import send
from tests.backends.process import HOST, ServerProcess
from tests.backends.s3 import S3Server

REPLICATION = "001"
"""Each value is on two volume servers of the same rack."""


class Part(ServerProcess):
    """A process of SeaweedFS with two ports, the second for the others."""

    port_count = 2

    @property
    def address(self) -> str:
        """Where the other parts find it."""
        return f"{HOST}:{self.ports[0]}.{self.ports[1]}"

    def _outside(self) -> Iterable[str]:
        return [f"tmp/seaweedfs-*-{port}.sock" for port in self.ports]

    def _command(self, folder: Path) -> list[str]:
        verb, *options = self._options(folder)
        ports = [f"-port={self.ports[0]}", f"-port.grpc={self.ports[1]}"]
        return [programs.weed(), f"-logdir={folder}", verb, *ports, *options]

    @abstractmethod
    def _options(self, folder: Path) -> list[str]:
        """Return the verb and what else it is told."""


class Master(Part):
    """Knows which volume server has what."""

    # Two volumes at a time rather than six.
    environment: ClassVar = {"WEED_MASTER_VOLUME_GROWTH_COPY_2": "2"}

    def _options(self, folder: Path) -> list[str]:
        return [
            "master",
            f"-ip={HOST}",
            f"-mdir={folder}",
            f"-defaultReplication={REPLICATION}",
            "-volumeSizeLimitMB=64",
            "-peers=none",
            "-telemetry=false",
        ]

    def _prepare(self) -> None:
        send(self.port, "GET", "/dir/status")


class Volume(Part):
    """Holds values."""

    def __init__(self, master: Master) -> None:
        super().__init__()
        self._master = master

    def _options(self, folder: Path) -> list[str]:
        return [
            "volume",
            f"-ip={HOST}",
            f"-dir={folder}",
            f"-master={self._master.address}",
            "-max=1000",
        ]

    def _prepare(self) -> None:
        send(self.port, "GET", "/status")


class Filer(Part):
    """Holds the names, and where their values are."""

    def __init__(self, master: Master) -> None:
        super().__init__()
        self._master = master

    def _options(self, folder: Path) -> list[str]:
        return [
            "filer",
            f"-ip={HOST}",
            f"-master={self._master.address}",
            f"-defaultReplicaPlacement={REPLICATION}",
            f"-defaultStoreDir={folder}",
        ]

    def _prepare(self) -> None:
        send(self.port, "GET", "/")


class Gateway(S3Server):
    """Speaks S3 for all of them; its buckets are namespaces."""

    port_count = 2

    def __init__(self, filer: Filer) -> None:
        super().__init__()
        self._filer = filer

    def _command(self, folder: Path) -> list[str]:
        config = folder / "identities.json"
        config.write_text(json.dumps(self._identities()), "utf-8")
        return [
            programs.weed(),
            f"-logdir={folder}",
            "s3",
            f"-port={self.ports[0]}",
            f"-port.grpc={self.ports[1]}",
            f"-ip.bind={HOST}",
            f"-filer={self._filer.address}",
            f"-config={config}",
            "-autoCreateBucket=false",
            "-port.iceberg=0",
            "-port.lance=0",
        ]

    def _share_volumes(self) -> None:
        """There are few buckets here: each may have volumes of its own."""


class Cluster(NamedTuple):
    """All parts that run."""

    gateway: Gateway
    volumes: list[Volume]


@contextmanager
def replicated_weed(count: int = 3) -> Iterator[Cluster]:
    """Run a gateway and several volume servers, two of which have each value."""
    with ExitStack() as stack:

        def started(part: Any) -> Any:
            stack.callback(part.stop)
            part.begin()
            return part

        def ready(part: Any) -> Any:
            started(part).wait()
            return part

        master = ready(Master())
        volumes = [started(Volume(master)) for _ in range(count)]
        for volume in volumes:
            volume.wait()
        yield Cluster(ready(Gateway(ready(Filer(master)))), volumes)
