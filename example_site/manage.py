"""Run a command of Django: ``python -m example_site.manage minimalkv sessions list``.

The store is the one of ``EXAMPLE_SITE_STORE``, as for the site itself.
"""

import sys
from collections.abc import Sequence

import click
from django.core.management import execute_from_command_line

from example_site.__main__ import INSTANCE, STORE
from example_site.flask_app import create_app
from example_site.site import configure
from minimalkv import MinimalkvError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    try:
        app = create_app(STORE, INSTANCE)
    except MinimalkvError as error:
        click.echo(f"example_site: {error}", err=True)
        return 2
    with app.extensions["store"]:
        configure(app)
        execute_from_command_line([*(arguments or sys.argv)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
