"""What there is to know about a store in Redis."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from redis.exceptions import RedisError

from minimalkv._checking.answers import clock_finding
from minimalkv._checking.backends import Backend, Endpoint
from minimalkv._checking.findings import (
    FAILED,
    OK,
    SKIPPED,
    WARNING,
    Finding,
    merged,
)
from minimalkv._checking.network import reach
from minimalkv._checking.visit import Step, Visit
from minimalkv._errors import MinimalkvError
from minimalkv.memory._redis_errors import FAILURES
from minimalkv.memory._redis_listing import texts
from minimalkv.memory._redis_wire import pack

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_NEARLY_FULL: Final = 0.9
_MIB: Final = 2**20
_LOOKED_AT: Final = 1000
_PERSISTENT: Final = "noeviction"


class Checked(Backend):
    """A store in Redis."""

    place = "database"
    needs = {  # noqa: RUF012 - as the base has it
        "list": "+scan",
        "write": "+set ~*",
        "read": "+get ~*",
        "delete": "+del ~*",
    }
    asks = "whoever runs Redis"
    plain_tls = "Write redis:// instead of rediss://."
    needs_tls = "Write rediss:// instead of redis://."
    never = "XX"
    is_remote = True

    @property
    def _calls(self) -> Any:
        return self.store._calls

    @property
    def _settings(self) -> Any:
        return self._calls._settings

    def tame(self, timeout_secs: float) -> None:
        if self._settings is not None:
            timeout = min(self._settings.timeout, timeout_secs)
            self._calls._settings = self._settings._replace(timeout=timeout)

    def endpoints(self) -> list[Endpoint]:
        settings = self._settings
        if settings is None:
            return self._of_client()
        usual = _SENTINEL_PORT if settings.sentinel else _PORT
        return [
            _endpoint(host, port or usual, tls=settings.tls)
            for host, port in settings.hosts
        ]

    def location(self) -> tuple[str, str]:
        if self._settings is None and not self._of_client():
            return super().location()  # sentinels of others may call theirs the same
        return f"redis {self._calls.place}", ""

    def _of_client(self) -> list[Endpoint]:
        pool: Any = getattr(self._calls.client, "connection_pool", None)
        known = getattr(pool, "connection_kwargs", {})
        if not known.get("host") or hasattr(pool, "sentinel_manager"):
            return []  # a cluster, sentinels or a socket in the file system
        is_tls = "SSL" in type(pool).__name__ + pool.connection_class.__name__
        return [_endpoint(known["host"], known.get("port", _PORT), tls=is_tls)]

    def is_stranger(self, error: Exception) -> bool:
        # What a user may not do is told with the command that allows it.
        return "ACL SETUSER" not in str(error)

    def cure_for_credentials(self, error: Exception) -> str:
        if "asks for a password" in str(error):
            return "Write the password into the URL: redis://:PASSWORD@host"
        return (
            "Correct user and password in the URL, percent-encoded; Redis does not "
            "tell which is wrong. As its administrator: ACL LIST, ACL LOG"
        )

    def lacks_place(self, error: Exception) -> bool:
        return "DB index" in str(error)

    def cure_for_place(self) -> str:
        return "Take a number below 'databases' in redis.conf: redis://host/0"

    def cure_for_permission(self, name: str) -> str:
        return f"As administrator of Redis: ACL SETUSER USER {self.needs[name]}"

    def cure_for(self, name: str, error: Exception) -> str:
        if name == "write" and "is full" in str(error):
            return "CONFIG SET maxmemory …, or delete keys: redis-cli --bigkeys"
        return ""

    def write_nothing(self, key: str) -> None:
        # Only if there is a value: there is none under a key of ours.
        self._calls.ask(key, pack(b"SET", key.encode(), b"", b"XX"), writes=True)

    def after(self) -> list[Step]:
        steps = [Step(("clock", "space", "eviction"), self._servers)]
        client = self._calls._client
        is_group = self._settings is not None and (
            self._settings.cluster or self._settings.sentinel
        )
        if is_group or hasattr(client, "nodes_manager"):
            steps.insert(0, Step(("nodes",), self._nodes))
        return steps

    def _servers(self, visit: Visit) -> Iterator[Finding]:
        del visit
        seen: list[Finding] = []
        try:
            for link in self._calls._servers():
                seen += self._server(link)
        except MinimalkvError as error:
            yield Finding("clock", SKIPPED, f"The servers could not be asked. {error}")
            return
        for name in ("clock", "space", "eviction"):
            yield merged([finding for finding in seen if finding.name == name])

    def _server(self, link: Any) -> Iterator[Finding]:
        yield self._clock(link)
        try:
            facts = _facts(link.call(b"", pack(b"INFO")))
        except FAILURES as error:
            text = f"Redis does not tell: {_told(error)}."
            for name in ("space", "eviction"):
                yield Finding(name, SKIPPED, text, "ACL SETUSER … +info")
            return
        place = f"{self._calls.place} (port {facts.get('tcp_port', '?')})"
        yield _space(place, facts)
        yield _eviction(place, facts)

    def _clock(self, link: Any) -> Finding:
        began = time.time()
        try:
            secs, micros = link.call(b"", pack(b"TIME"))
        except FAILURES as error:
            text = f"Redis does not tell: {_told(error)}."
            return Finding("clock", SKIPPED, text, "ACL SETUSER … +time")
        here = (began + time.time()) / 2
        there = int(secs) + int(micros) / 1e6
        return clock_finding(self._calls.place, here - there, is_signed=False)

    def _nodes(self, visit: Visit) -> Iterator[Finding]:
        nodes = sorted(set(self._known_nodes()))
        tls = bool(self._settings and self._settings.tls)
        secs = visit.share_secs / max(len(nodes), 1)
        found = [reach(_endpoint(*node, tls=tls), secs) for node in nodes]
        lost = [finding for finding in found if finding is not None]
        shown = ", ".join(f"{host}:{port}" for host, port in nodes)
        if not lost:
            yield Finding("nodes", OK, f"All {len(nodes)} take connections: {shown}.")
            return
        text = " ".join(finding.text for finding in lost)
        cure = "Start it; until then nothing stands in for the server that is left."
        yield Finding(
            "nodes",
            WARNING,
            f"{len(nodes) - len(lost)} of {len(nodes)} take connections. {text}",
            cure,
        )

    def _known_nodes(self) -> Iterator[tuple[str, int]]:
        client = self._calls.client
        for node in getattr(client, "get_nodes", list)():
            yield node.host, node.port
        pool: Any = getattr(client, "connection_pool", None)
        manager = getattr(pool, "sentinel_manager", None)
        if manager is None:
            return
        name = pool.service_name
        for find in (manager.discover_master, manager.discover_slaves):
            try:
                nodes = find(name)
            except (RedisError, OSError):
                continue  # the first call of the store had told
            yield from [nodes] if isinstance(nodes, tuple) else nodes

    def names(self) -> Iterator[tuple[str, bool]]:
        for link in self._calls._servers():
            cursor = b"0"
            while True:
                scan = pack(b"SCAN", cursor, b"COUNT", b"%d" % _LOOKED_AT)
                try:
                    cursor, page = link.call(b"", scan)
                    yield from self._named(link, page)
                except FAILURES as error:
                    raise self._calls.explained(error, None, writes=False) from None
                if cursor == b"0":
                    break

    def _named(self, link: Any, page: list[bytes]) -> Iterator[tuple[str, bool]]:
        commands = [(name, (b"TYPE", name)) for name in page]
        kinds = link.call_each(commands) if commands else []
        for name, kind in zip(page, kinds, strict=True):
            text = "".join(texts([name]))
            is_key = bool(text) and self.store._is_readable(text)
            # A list or hash, as a queue of tasks has it; or it may not be asked.
            is_value = kind in (b"string", b"none") or isinstance(kind, Exception)
            shown = text or name.decode("utf-8", "backslashreplace")
            yield shown, is_key and is_value


def _endpoint(host: str, port: int, *, tls: bool) -> Endpoint:
    return Endpoint(host, port, tls, "redis", variable="SSL_CERT_FILE")


def _told(error: BaseException) -> str:
    return str(error).partition("\n")[0][:100].rstrip(".") or type(error).__name__


def _facts(answer: bytes) -> dict[str, str]:
    lines = answer.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _space(place: str, facts: Mapping[str, str]) -> Finding:
    used, most = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    if not most:
        text = (
            f"Redis at {place} uses {used // _MIB} MiB and has no maxmemory: it grows "
            "until the machine has no more."
        )
        return Finding("space", OK, text)
    text = f"Redis at {place} uses {used // _MIB} of {most // _MIB} MiB."
    if used < most * _NEARLY_FULL:
        return Finding("space", OK, text)
    cure = "Raise maxmemory (CONFIG SET maxmemory …), or delete keys."
    is_refusing = used >= most and facts.get("maxmemory_policy") == _PERSISTENT
    return Finding("space", FAILED if is_refusing else WARNING, text, cure)


def _eviction(place: str, facts: Mapping[str, str]) -> Finding:
    policy = facts.get("maxmemory_policy", _PERSISTENT)
    if policy == _PERSISTENT:
        return Finding("eviction", OK, "Nothing is thrown away (noeviction).")
    what = "any value" if policy.startswith("allkeys") else "values that expire"
    text = (
        f"When Redis at {place} is full it throws away {what} ({policy}): sessions "
        "are lost, and their users signed out."
    )
    cure = (
        "CONFIG SET maxmemory-policy noeviction, and in redis.conf; a cache alone is "
        "right with allkeys-lru, in a Redis of its own."
    )
    if not int(facts.get("maxmemory", 0)):
        text = f"{policy} is set and no maxmemory, so nothing is thrown away yet."
        return Finding("eviction", OK, text)
    return Finding("eviction", WARNING, text, cure)
