"""The settings of the Django side, which are those of the Flask side."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils.log import CallbackFilter
from flask import Flask
from jinja2 import Environment

from example_site import views
from example_site.both import MOUNT

_OWN: Final[dict[str, Any]] = {
    # With the token in the session, the forms need no second cookie.
    "CSRF_USE_SESSIONS": True,
    "CSRF_FAILURE_VIEW": "example_site.views.refuse_form",
    "ALLOWED_HOSTS": ["*"],  # no page has a link that is made of the host
    "INSTALLED_APPS": ["minimalkv_django"],
    "MIDDLEWARE": [
        "example_site.views.protect",
        "minimalkv_django.middleware.SessionOutageMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "example_site.views.OutageLog",
    ],
    "ROOT_URLCONF": "example_site.urls",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {"environment": "example_site.settings.environment"},
        }
    ],
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"outages": {"()": CallbackFilter, "callback": views.shorten}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "filters": ["outages"]}
        },
        "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR"}},
    },
    "USE_TZ": True,
    # Django puts it into the environment of the whole process, and has Chicago's.
    "TIME_ZONE": "UTC",
}


def settings_for(app: Flask) -> dict[str, Any]:
    """Return the settings with which Django finds the sessions of a Flask application.

    They need the same store, secret key and name of the cookie. The rest lets both
    agree on when a session ends, and on what a browser may do with the cookie.
    """
    return _OWN | {
        "SECRET_KEY": app.secret_key,
        "SESSION_ENGINE": "minimalkv_django.sessions",
        "SESSION_COOKIE_NAME": app.config["SESSION_COOKIE_NAME"],
        "SESSION_COOKIE_SAMESITE": app.config["SESSION_COOKIE_SAMESITE"],
        "SESSION_COOKIE_SECURE": app.config["SESSION_COOKIE_SECURE"],
        "SESSION_COOKIE_AGE": app.permanent_session_lifetime.total_seconds(),
        "MINIMALKV_URL": app.config["MINIMALKV_URL"],
        # The object, not its URL: what is in memory has to be the same.
        "MINIMALKV_SESSION_STORE": app.extensions["store"],
        "MINIMALKV_SESSION_ABSOLUTE_LIFETIME": app.config["SESSION_ABSOLUTE_LIFETIME"],
    }


def environment(**options: Any) -> Environment:
    """Return what the templates of both sides ask for."""
    found = Environment(**options)  # noqa: S701 - Django passes autoescape=True
    found.globals.update(
        root=lambda: get_script_prefix().removesuffix(f"{MOUNT}/") + "/",
        sign_out_url=lambda: reverse("sign_out"),
        url=reverse,
        store_name=str(settings.MINIMALKV_URL),
    )
    return found
