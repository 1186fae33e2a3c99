"""What went through the proxy: one record for each request or Redis command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """A request as the client sent it, and what the client got for it so far.

    Attributes
    ----------
    connection : int
        Number of the connection, from 1 on.
    method : str
        The HTTP method, or the name of the Redis command, in capitals.
    target : str
        The path with its query as sent, or the first argument of the command.
    headers : mapping of str to str
        By name in small letters; empty for Redis.
    body_bytes : int
        What was read of the body, framing included; 0 for Redis.
    status : int or None
        The status of the reply once there is one; None for Redis.
    reply_bytes : int
        What was sent of the reply with its head. The commands of one Redis burst
        share their reply: the first one has it all.
    """

    connection: int
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body_bytes: int = 0
    status: int | None = None
    reply_bytes: int = 0

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))
