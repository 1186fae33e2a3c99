"""Both sides in one WSGI application."""

import fcntl
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from example_site import calls
from example_site.both import ABSOLUTE_LIFETIME, IDLE_LIFETIME, MOUNT
from example_site.flask_app import create_app
from example_site.settings import settings_for


def create_site(
    store_url: str,
    instance: str | Path,
    *,
    idle: timedelta = IDLE_LIFETIME,
    absolute: timedelta = ABSOLUTE_LIFETIME,
) -> Flask:
    """Return the site, with Django below ``/django``; once in a process.

    The parameters and errors are those of `example_site.flask_app.create_app`.
    """
    app = create_app(store_url, instance, idle=idle, absolute=absolute)
    configure(app)
    mount(app)
    return app


def configure(app: Flask) -> None:
    """Set Django up beside a Flask application, with the tables that it needs.

    Raises
    ------
    RuntimeError
        If it was done already: Django has one configuration in a process.
    """
    settings.configure(**settings_for(app))
    django.setup()
    with (Path(app.instance_path) / "migrating").open("w") as file:
        # SQLite lets two processes that start at once make the same table.
        fcntl.flock(file, fcntl.LOCK_EX)
        call_command("migrate", verbosity=0)


def mount(app: Flask) -> None:
    """Let Django answer what is asked for below its path."""
    sides = DispatcherMiddleware(app.wsgi_app, {MOUNT: calls.Counted(WSGIHandler())})
    app.wsgi_app = sides  # type: ignore[method-assign] # as Flask says to do it
