"""The test servers: namespaces of their own, and none of them outlives the tests."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

import tools.servers
from tests.backends import process, programs
from tests.backends.azure import AzureServer
from tests.backends.base import StoreServer
from tests.backends.gcs import GCSServer
from tests.backends.process import ServerError, ServerProcess
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.net.conftest import ready
from tests.servers import Servers
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_SECS = 30

# Starts servers, says where they are, and goes on until it is told to end.
PROGRAM = """
import sys
from tests.servers import servers
names = sys.argv[1:]
servers.begin(names)
for name in names:
    server = getattr(servers, name)()
    print(server.folder, *server.ports, flush=True)
print("ready", flush=True)
sys.stdin.read()
"""


class Run:
    """Another process that started servers, as a run of the tests does."""

    def __init__(self, temporary: Path, *names: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, *names],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "ready\n")
        told = [line.split() for line in lines if line]
        self.folders = [Path(words[0]) for words in told]
        self.ports = [int(word) for words in told for word in words[1:]]

    def end(self, number: int | None = None) -> int:
        """End it, by a signal or by itself, and return how it went."""
        with self.process as ended:
            if number is not None:
                ended.send_signal(number)
                ended.wait(ENDS_WITHIN_SECS)
            else:
                ended.communicate(timeout=ENDS_WITHIN_SECS)
        return ended.returncode


def all_refuse(ports: list[int]) -> bool:
    return not any(listens(port) for port in ports)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((process.HOST, port)) == 0


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_servers_end_with_the_tests(tmp_path: Path, number: int | None) -> None:
    run = Run(tmp_path, "redis", "gcs")
    assert all(map(listens, run.ports))
    assert run.end(number) == (0 if number is None else -number)
    assert all_refuse(run.ports)
    assert list(tmp_path.iterdir()) == []


def test_servers_end_when_the_tests_are_killed(tmp_path: Path) -> None:
    run = Run(tmp_path, "redis", "azure", "gcs")
    assert all(map(listens, run.ports))
    run.end(signal.SIGKILL)
    wait_until(lambda: all_refuse(run.ports))
    assert set(run.folders) == set(tmp_path.iterdir())
    Run(tmp_path, "redis").end()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_seaweedfs_ends_with_all_its_sockets(tmp_path: Path, number: int) -> None:
    run = Run(tmp_path, "s3")
    ports = set(run.ports)
    assert sockets_of(ports)
    assert run.end(number) == -number
    wait_until(lambda: all_refuse(run.ports))
    if number == signal.SIGKILL:
        Run(tmp_path, "redis").end()
    assert not sockets_of(ports)
    assert list(tmp_path.iterdir()) == []


def sockets_of(ports: set[int]) -> list[Path]:
    found = Path("/tmp").glob("seaweedfs-*.sock")  # noqa: S108 - SeaweedFS puts them there
    return [path for path in found if int(path.stem.rpartition("-")[2]) in ports]


def test_a_child_that_ends_leaves_the_servers_alone(tmp_path: Path) -> None:
    started = Servers()
    server = started.redis()
    pid = os.fork()
    if pid == 0:
        started.stop()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert listens(server.port)
    started.stop()
    assert not listens(server.port)


class Broken(ServerProcess):
    script: ClassVar = "print('the cause'); raise SystemExit(3)"

    def _command(self, folder: Path) -> list[str]:
        return [sys.executable, "-c", self.script]

    def _prepare(self) -> None:
        raise OSError("nobody answers")


class Idle(Broken):
    script: ClassVar = "print('the cause', flush=True); import time; time.sleep(60)"


def test_a_server_that_ends_shows_its_log() -> None:
    server = Broken()
    server.begin()
    for _ in range(2):
        with pytest.raises(ServerError, match=r"Broken ended with exit code 3\b") as e:
            server.wait()
        assert "the cause" in str(e.value)
    assert server.pid is None


def test_a_server_that_never_answers_shows_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "READY_WITHIN_SECS", 0.5)
    server = Idle()
    server.begin()
    with pytest.raises(ServerError, match=r"not ready after 0\.5 s: .*nobody answers"):
        server.wait()
    assert server.pid is None


def test_a_taken_port_is_tried_again_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    server = RedisServer()
    with socket.socket() as taken:
        taken.bind((process.HOST, 0))
        port: int = taken.getsockname()[1]
        ports = [(port,), process.free_ports(1)]
        monkeypatch.setattr(process, "free_ports", lambda _: ports.pop(0))
        server.begin()
        server.wait()
    assert server.port != port
    server.stop()


def test_a_server_starts_in_the_main_thread_only() -> None:
    told: list[str] = []

    def begin() -> None:
        try:
            RedisServer().begin()
        except ServerError as error:
            told.append(str(error))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert told == ["Start servers in the main thread, before the others."]


def test_what_is_missing_is_a_failure_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools.servers, "SCRIPT", tmp_path / "none")
    started = Servers()
    with pytest.raises(pytest.fail.Exception, match="make servers"):
        ready(started.azure)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ServerError, match=r"Node\.js is missing: run make servers"):
        programs.azurite()
    for find in (programs.valkey, programs.fake_gcs):
        with pytest.raises(ServerError, match="pip install"):
            find()


def check_urls(server: StoreServer) -> None:
    first, second = server.url(), server.url(False)
    assert first.startswith("h")
    assert second.startswith(server.scheme)
    assert server.namespace(first) != server.namespace(second)
    assert server.url(timeout=2.5, public=True).endswith("timeout=2.5&public=true")


def check_through(server: StoreServer) -> None:
    url = server.url()
    assert str(server.port) in url
    moved = server.through(url, 7)
    assert str(server.port) not in moved
    assert server.through(moved, server.port) == moved


def test_each_redis_url_is_an_empty_database(redis_server: RedisServer) -> None:
    check_urls(redis_server)
    check_through(redis_server)
    first, second = redis_server.url(), redis_server.url()
    with redis_server.client(first) as client:
        client.set("a", "b")
    with redis_server.client(second) as client:
        assert client.dbsize() == 0


def test_redis_databases_are_used_again_when_there_is_no_other() -> None:
    class Small(RedisServer):
        databases = 2

    server = Small()
    server.begin()
    server.wait()
    for _ in range(5):
        with server.client(server.url()) as client:
            assert client.dbsize() == 0
            client.set("a", "b")
    server.stop()


def test_each_s3_url_is_an_empty_bucket(s3_server: S3Server) -> None:
    check_urls(s3_server)
    check_through(s3_server)
    name = s3_server.namespace(s3_server.url())
    with s3_server.client() as client:
        assert client.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_azure_has_a_container_for_each_url(azure_server: AzureServer) -> None:
    check_urls(azure_server)
    check_through(azure_server)
    name = azure_server.namespace(azure_server.url())
    missing = azure_server.namespace(azure_server.url(create=False))
    with azure_server.client() as client:
        assert client.get_container_client(name).exists()
        assert not client.get_container_client(missing).exists()


def test_gcs_has_a_bucket_for_each_url(gcs_server: GCSServer) -> None:
    check_urls(gcs_server)
    name = gcs_server.namespace(gcs_server.url())
    missing = gcs_server.namespace(gcs_server.url(create=False))
    with gcs_server.client() as client:
        assert client.bucket(name).exists()
        assert not client.bucket(missing).exists()
    assert os.environ["STORAGE_EMULATOR_HOST"] == gcs_server.emulator_host


def test_s3_has_a_bucket_for_each_url(s3_server: S3Server) -> None:
    name = s3_server.namespace(s3_server.url())
    missing = s3_server.namespace(s3_server.url(create=False))
    with s3_server.client() as client:
        names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    assert name in names
    assert missing not in names
