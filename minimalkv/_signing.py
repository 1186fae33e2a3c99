"""What is signed: session tokens, URLs of files, direct uploads, cached values."""

import hmac
import logging
import re
from binascii import b2a_base64
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from itsdangerous import BadData, Signer, URLSafeSerializer

_log: Final = logging.getLogger("minimalkv")

_SALT: Final = "minimalkv.session"
_PERMANENT: Final = "p"
_LEGACY: Final = b"legacy:"  # no token begins so
# The id, after a mark while the session is permanent, and the signature of both.
_TOKEN: Final = re.compile(r"(p?)([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})", re.ASCII)
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_MOST_CACHED: Final = 16
_UNTIL: Final = "until"

Key = str | bytes


class SessionTokens:
    """Turns the ids of sessions into what a cookie carries, and back.

    Get one from `session_tokens`, which keeps those that are in use. A token is the id,
    after a ``p`` while the session is permanent, and a signature: whether its cookie
    has to be sent again is known without asking the store.

    It is what `itsdangerous.Signer` makes and takes, in a third of its time: nothing
    is done for each token that can be done once for a key.

    Parameters
    ----------
    keys : tuple of bytes
        The secret keys; the last one signs.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        signer = Signer(keys, salt=_SALT, digest_method=sha256)
        derived = [signer.derive_key(key) for key in reversed(keys)]
        # The one that signs comes first.
        self._macs = [hmac.new(key, digestmod="sha256") for key in derived]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # a key is nobody's business

    def sign(self, session_id: str, permanent: bool = False) -> str:
        """Return the token of a session: 87 or 88 characters that fit into a cookie."""
        value = _PERMANENT + session_id if permanent else session_id
        return f"{value}.{_signature(self._macs[0], value.encode())}"

    def read(self, token: str) -> tuple[str | None, bool]:
        """Return the id, None if we did not sign it, and whether it is permanent."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None, False
        mark, session_id, given = match.groups()
        value = (mark + session_id).encode()
        for mac in self._macs:
            if hmac.compare_digest(_signature(mac, value), given):
                if mac is not self._macs[0]:
                    _tell_retired("session")
                return session_id, bool(mark)
        return None, False

    def renewed(self, token: str, session_id: str, permanent: bool) -> str:
        """Return the token of a session, of which another one was read before.

        Parameters
        ----------
        token : str
            The one that was read, with the same id and mark.
        session_id, permanent
            As for `sign`.
        """
        # With one key, that is what the same would give again.
        return token if len(self._macs) == 1 else self.sign(session_id, permanent)

    def id_for(self, cookie: str) -> str:
        """Return the id that stands for the cookie of another package.

        It is always the same one, so that two requests that bring an old cookie at once
        take over one session, and nobody without the secret key can tell it.
        """
        # surrogatepass: a cookie is whatever somebody sends
        value = cookie.encode(errors="surrogatepass")
        return _signature(self._macs[0], _LEGACY + value)


def _tell_retired(purpose: str) -> None:
    _log.debug("Signed with a retired key, and accepted: %s", purpose)


def _signature(mac: hmac.HMAC, value: bytes) -> str:
    mac = mac.copy()
    mac.update(value)
    text = b2a_base64(mac.digest(), newline=False).translate(_URL_SAFE, b"=")
    return text.decode()


def session_tokens(
    secret_key: Key, fallbacks: Iterable[Key] | None = ()
) -> SessionTokens:
    """Return the tokens of a secret key.

    Parameters
    ----------
    secret_key : str or bytes
        Signs, and is accepted.
    fallbacks : iterable of str or bytes, optional
        Former keys, which are accepted as well. A single one need not be in a list.
    """
    if not fallbacks:
        return _tokens(secret_key)
    return _tokens(*signing_keys(secret_key, fallbacks))


def signing_keys(secret_key: Key, fallbacks: Iterable[Key] | None = ()) -> list[bytes]:
    """Return the keys as itsdangerous takes them, the one that signs last."""
    if isinstance(fallbacks, str | bytes):
        fallbacks = (fallbacks,)  # each of its characters would be a key otherwise
    # As bytes: Python hashes equal text and bytes alike, and warns when it compares.
    return [_as_bytes(key) for key in (*(fallbacks or ()), secret_key)]


def _as_bytes(key: Key) -> bytes:
    return key.encode() if isinstance(key, str) else bytes(key)


# Typed: Python hashes equal text and bytes alike, and warns when it compares them.
@lru_cache(maxsize=_MOST_CACHED, typed=True)
def _tokens(*keys: Key) -> SessionTokens:
    return SessionTokens(tuple(map(_as_bytes, keys)))


class Seals:
    """Signs facts that somebody carries, so that they come back as they were.

    Parameters
    ----------
    purpose : str
        What they are for; facts that were signed for something else are refused.
    keys : list of bytes
        As `signing_keys` returns them; the last one signs.
    """

    def __init__(self, purpose: str, keys: list[bytes]) -> None:
        self._purpose = purpose
        # The one that signs comes first.
        self._serializers = [
            URLSafeSerializer(
                key,
                salt=f"minimalkv.{purpose}",
                signer_kwargs={"digest_method": sha256, "key_derivation": "hmac"},
            )
            for key in reversed(keys)
        ]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def sign(self, facts: dict[str, Any], until: float) -> str:
        """Return facts as a text that fits into a URL, of use until a time.

        Parameters
        ----------
        facts : dict
            What JSON can hold.
        until : float
            When they end, in seconds since 1970.
        """
        text = self._serializers[0].dumps({**facts, _UNTIL: int(until)})
        return text if isinstance(text, str) else text.decode()

    def read(self, text: str, now: float) -> dict[str, Any] | None:
        """Return the facts; None if we did not sign them, or their time is over."""
        facts = self._facts_in(text)
        if not isinstance(facts, dict) or facts.get(_UNTIL, 0) <= now:
            return None
        return facts

    def _facts_in(self, text: str) -> object:
        for serializer in self._serializers:
            with suppress(BadData):
                facts: object = serializer.loads(text)
                if serializer is not self._serializers[0]:
                    _tell_retired(self._purpose)
                return facts
        return None


class Macs:
    """Tells whether bytes were written by somebody with a secret key, for a purpose.

    Parameters
    ----------
    purpose : str
        What they are for; bytes that were signed for something else are refused.
    keys : list of bytes
        As `signing_keys` returns them; the last one signs.
    """

    def __init__(self, purpose: str, keys: list[bytes]) -> None:
        signer = Signer(
            keys,
            salt=f"minimalkv.{purpose}",
            digest_method=sha256,
            key_derivation="hmac",
        )
        self._purpose = purpose
        # The one that signs comes first.
        self._pads = [_pads(signer.derive_key(key)) for key in reversed(keys)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # a key is nobody's business

    def sign(self, *parts: bytes | memoryview) -> bytes:
        """Return the 32 bytes that prove the parts, which count as one text."""
        return _digest(self._pads[0], b"".join(parts))

    def are_ours(self, given: bytes | memoryview, *parts: bytes | memoryview) -> bool:
        """Tell whether *given* is what `sign` makes of the parts, with any key."""
        text = b"".join(parts)
        for pads in self._pads:
            if hmac.compare_digest(_digest(pads, text), given):
                if pads is not self._pads[0]:
                    _tell_retired(self._purpose)
                return True
        return False


def _pads(key: bytes) -> tuple[Any, Any]:
    """Return both hashes of RFC 2104, which have taken the key.

    To copy these takes little more than half of the time of `hmac`.
    """
    padded = key.ljust(sha256().block_size, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    return sha256(inner), sha256(outer)


def _digest(pads: tuple[Any, Any], text: bytes) -> bytes:
    inner, outer = pads[0].copy(), pads[1].copy()
    inner.update(text)
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest
