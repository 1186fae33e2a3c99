"""What is signed for browsers: the session tokens of every framework."""

import hmac
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_encode
from itsdangerous.signer import SigningAlgorithm

_SALT: Final = "minimalkv.session"
_PERMANENT: Final = "p"
_LEGACY: Final = b"legacy:"  # no token begins so
# The id, after a mark while the session is permanent, and the signature of both.
_TOKEN: Final = re.compile(r"(p?)([A-Za-z0-9_-]{43})\.[A-Za-z0-9_-]{43}", re.ASCII)
_MOST_CACHED: Final = 16

Key = str | bytes


class _Algorithm(SigningAlgorithm):
    """HMAC-SHA256 in one call, which takes a third of the time."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class _Signer(Signer):
    """Derives its keys once: that takes as long as signing does."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        super().__init__(keys, salt=_SALT, digest_method=sha256, algorithm=_Algorithm())
        self._derived: dict[object, bytes] = {}

    def derive_key(self, secret_key: Key | None = None) -> bytes:
        derived = self._derived.get(secret_key)
        if derived is None:
            derived = self._derived[secret_key] = super().derive_key(secret_key)
        return derived


class SessionTokens:
    """Turns the ids of sessions into what a cookie carries, and back.

    Get one from `session_tokens`, which keeps those that are in use. A token is the id,
    after a ``p`` while the session is permanent, and a signature: whether its cookie
    has to be sent again is known without asking the store.

    Parameters
    ----------
    keys : tuple of bytes
        The secret keys; the last one signs.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._signer = _Signer(keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # a key is nobody's business

    def sign(self, session_id: str, permanent: bool = False) -> str:
        """Return the token of a session: 87 or 88 characters that fit into a cookie."""
        mark = _PERMANENT if permanent else ""
        return self._signer.sign(mark + session_id).decode()

    def read(self, token: str) -> tuple[str | None, bool]:
        """Return the id, None if we did not sign it, and whether it is permanent."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None, False
        try:
            self._signer.unsign(token)
        except BadSignature:
            return None, False
        return match[2], bool(match[1])

    def id_for(self, cookie: str) -> str:
        """Return the id that stands for the cookie of another package.

        It is always the same one, so that two requests that bring an old cookie at once
        take over one session, and nobody without the secret key can tell it.
        """
        # surrogatepass: a cookie is whatever somebody sends
        value = cookie.encode(errors="surrogatepass")
        key = self._signer.derive_key()
        return base64_encode(hmac.digest(key, _LEGACY + value, "sha256")).decode()


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
    return _tokens(tuple(signing_keys(secret_key, fallbacks)))


def signing_keys(secret_key: Key, fallbacks: Iterable[Key] | None = ()) -> list[bytes]:
    """Return the keys as itsdangerous takes them, the one that signs last."""
    if isinstance(fallbacks, str | bytes):
        fallbacks = (fallbacks,)  # each of its characters would be a key otherwise
    # As bytes: Python hashes equal text and bytes alike, and warns when it compares.
    return [_as_bytes(key) for key in (*(fallbacks or ()), secret_key)]


def _as_bytes(key: Key) -> bytes:
    return key.encode() if isinstance(key, str) else bytes(key)


@lru_cache(maxsize=_MOST_CACHED)
def _tokens(keys: tuple[bytes, ...]) -> SessionTokens:
    return SessionTokens(keys)
