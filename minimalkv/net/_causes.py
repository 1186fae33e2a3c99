"""What lies behind an error of an SDK.

``__context__`` is not looked at: whoever calls a store while they handle an error of
their own has that at the end of it.
"""

from collections.abc import Iterator
from ssl import SSLCertVerificationError
from typing import Final

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

# ProxyError is raised while the way through a proxy is not open yet.
_NOT_CONNECTED: Final = (
    ConnectTimeoutError,
    NewConnectionError,
    ProxyError,
    SSLCertVerificationError,
)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was made of, down to where it began.

    azure-core keeps that as ``inner_exception``, urllib3 as ``reason`` or as one of its
    arguments, requests as its first argument.
    """
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = _inner(inner)


def _inner(error: BaseException) -> BaseException | None:
    named = (getattr(error, name, None) for name in ("inner_exception", "reason"))
    found = (*named, error.__cause__, *error.args)
    return next((each for each in found if isinstance(each, BaseException)), None)


def root_of(error: BaseException) -> BaseException:
    """Return what an error began with: an SDK's text may have a URL with a token."""
    *_, root = chain_of(error)
    return root


def was_sent(error: BaseException) -> bool:
    """Tell whether a request that failed so may have arrived."""
    return not any(isinstance(each, _NOT_CONNECTED) for each in chain_of(error))


def connects_late(error: BaseException) -> bool:
    """Tell whether nobody answered in time who was to be connected to."""
    # The second is a kind of the first, though it says that the answer was no.
    return any(
        isinstance(each, ConnectTimeoutError)
        and not isinstance(each, NewConnectionError)
        for each in chain_of(error)
    )


def distrusts(error: BaseException) -> bool:
    """Tell whether it is the certificate of the server that was not accepted.

    Other errors of TLS may pass: a server that ends within a connection is one.
    """
    return any(isinstance(each, SSLCertVerificationError) for each in chain_of(error))


def is_of_system(error: BaseException) -> bool:
    """Tell whether an error comes from the system or TLS: its text has no secret.

    Those of requests are kinds of OSError, too, but have no number.
    """
    return isinstance(error, OSError) and error.errno is not None
