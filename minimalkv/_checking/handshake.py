"""TLS: whether a server proves who it is, and if not, why."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Final

from minimalkv._checking.backends import Endpoint
from minimalkv._checking.findings import FAILED, OK, WARNING, Finding

_DAYS_BEFORE: Final = 14

# The numbers are those of OpenSSL, X509_V_ERR_….
_EXPIRED: Final = 10
_NOT_YET: Final = 9
_UNKNOWN_ISSUER: Final = (18, 19, 20, 21)
_WRONG_HOST: Final = (62, 64)

_RENEW: Final = "Renew the certificate on the server, or let its owner do so."
_TRUST: Final = (
    "If the issuer is one of your own, name the file of its certificate in the "
    "environment: {variable}=/path/ca.pem. If it is not, somebody is in between."
)


def look_at_tls(
    endpoint: Endpoint, connection: socket, plain: str
) -> tuple[ssl.SSLSocket | None, Finding]:
    """Shake hands with a server.

    Parameters
    ----------
    endpoint : Endpoint
        The server.
    connection : socket
        A connection to it, with a timeout.
    plain : str
        What to type where it speaks no TLS.

    Returns
    -------
    tuple of SSLSocket or None, and Finding
        The connection, unless that failed, and what was seen.
    """
    try:
        context = _context(endpoint)
    except OSError as error:
        return None, _no_authorities(endpoint, error)
    try:
        secure = context.wrap_socket(connection, server_hostname=endpoint.host)
    except ssl.SSLCertVerificationError as error:
        return None, _distrusted(endpoint, error)
    except OSError as error:
        return None, _no_handshake(endpoint, error, plain)
    return secure, _trusted(endpoint, secure)


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    trusted = endpoint.ca_file
    if trusted and endpoint.takes_folder and Path(trusted).is_dir():
        context = ssl.create_default_context(capath=trusted)
    else:
        context = ssl.create_default_context(cafile=trusted)
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusted(endpoint: Endpoint, secure: ssl.SSLSocket) -> Finding:
    if not endpoint.verify:
        text = f"The certificate of {endpoint.place} is not looked at (verify=false)."
        cure = "Leave out verify=false: anybody in between can read and change all."
        return Finding("tls", WARNING, text, cure)
    certificate = secure.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    until = datetime.fromtimestamp(ends, UTC)
    days = (until - datetime.now(UTC)).days
    text = (
        f"{secure.version()}; the certificate of {endpoint.place} is good until "
        f"{until:%F}, {days} days."
    )
    if days < _DAYS_BEFORE:
        return Finding("tls", WARNING, text, _RENEW)
    return Finding("tls", OK, text)


def _distrusted(endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> Finding:
    number, place = error.verify_code, endpoint.place
    if number == _EXPIRED:
        text, cure = f"The certificate of {place} has expired.", _RENEW
    elif number == _NOT_YET:
        text = f"The certificate of {place} is not valid yet."
        cure = "Set the clock of this machine, or wait for the day."
    elif number in _WRONG_HOST:
        text = f"The certificate of {place} is for another name than {endpoint.host!r}."
        cure = (
            "Use the name in the URL that the certificate is for, or have one issued."
        )
    elif number in _UNKNOWN_ISSUER:
        text = f"The certificate of {place} is of an issuer that nobody here knows."
        cure = _TRUST.format(variable=endpoint.variable)
    else:
        text, cure = f"The certificate of {place} is not accepted.", _RENEW
    return Finding("tls", FAILED, f"{text[:-1]} ({error.verify_message}).", cure)


def _no_handshake(endpoint: Endpoint, error: OSError, plain: str) -> Finding:
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        text = f"{endpoint.place} speaks no TLS."
        return Finding("tls", FAILED, text, plain)
    if isinstance(error, TimeoutError):
        text = f"{endpoint.place} takes the connection and then says nothing."
        cure = "The server hangs, or what listens there speaks no TLS: look at its log."
        return Finding("tls", FAILED, text, cure)
    text = f"{endpoint.place} broke off the handshake of TLS ({reason})."
    cure = f"Look at the log of the server. If it speaks no TLS: {plain}"
    return Finding("tls", FAILED, text, cure)


def _no_authorities(endpoint: Endpoint, error: OSError) -> Finding:
    text = (
        f"The certificates to trust cannot be read from {endpoint.ca_file!r} "
        f"({error.strerror or type(error).__name__})."
    )
    cure = f"Correct the variable that names that file: {endpoint.variable}"
    return Finding("tls", FAILED, text, cure)


def speaks_tls(connection: socket) -> bool:
    """Tell whether a server shakes hands, whoever it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_socket(connection).close()
    except OSError:
        return False
    return True
