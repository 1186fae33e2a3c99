"""Serve the site: ``python -m example_site --store <url>``."""

import argparse
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import click
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from example_site.flask_app import create_app, prove
from example_site.site import configure, mount
from minimalkv import MinimalkvError, StoreURL

STORE: Final = StoreURL(os.environ.get("EXAMPLE_SITE_STORE", "hfs://./data"))
INSTANCE: Final = os.environ.get("EXAMPLE_SITE_INSTANCE", "./instance")

_LARGEST_PORT = 65535
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class QuietHandler(WSGIRequestHandler):
    """Serves without a line for every request."""

    def log_request(self, *_args: Any) -> None:
        """Say nothing; errors are still logged."""


def port(text: str) -> int:
    """Read a port number.

    Raises
    ------
    ValueError
        If it is none.
    """
    number = int(text)
    if not 0 <= number <= _LARGEST_PORT:
        raise ValueError(text)
    return number


def lifetime(text: str) -> timedelta:
    """Read a time such as ``30m``.

    Raises
    ------
    ValueError
        If it is none.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text, re.ASCII)
    if match is None:
        raise ValueError(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "--store": {
        "default": STORE,
        "metavar": "URL",
        "help": "where all of its data is kept",
    },
    "--host": {"default": "127.0.0.1", "help": "where to listen"},
    "--port": {"type": port, "default": 8000, "help": "0 takes a free one"},
    "--instance": {
        "default": INSTANCE,
        "metavar": "FOLDER",
        "help": "where the secret key is kept",
    },
    "--idle": {
        "type": lifetime,
        "default": "14d",
        "metavar": "TIME",
        "help": "when a session ends that nobody uses, as in 30m or 12h",
    },
    "--absolute": {
        "type": lifetime,
        "default": "30d",
        "metavar": "TIME",
        "help": "when a session ends in any case",
    },
}


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program where that is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m example_site",
        description="Serve the example site, with all its data in one store.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, how in _OPTIONS.items():
        parser.add_argument(name, **how)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the program is interrupted, and return the exit code."""
    options = read_options(arguments)
    try:
        app = create_app(
            options.store,
            options.instance,
            idle=options.idle,
            absolute=options.absolute,
        )
        with app.extensions["store"] as store:
            prove(store)
            configure(app)
            mount(app)
            serve(app, options)
    except MinimalkvError as error:
        click.echo(f"example_site: {error}", err=True)
        return 2
    return 0


def serve(app: Flask, options: argparse.Namespace) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = make_server(
        options.host, options.port, app, threaded=True, request_handler=QuietHandler
    )
    host = f"[{server.host}]" if ":" in server.host else server.host
    with server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"Serving on http://{host}:{server.port}")
        click.echo(f"All its data is in {StoreURL(options.store)}. Ctrl-C stops.")
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
