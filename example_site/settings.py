"""The settings of the Django side, which are those of the Flask side."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.urls import get_script_prefix, reverse
from flask import Flask
from jinja2 import Environment

from example_site import calls
from example_site.both import MOUNT
from example_site.excerpts import source

_OWN: Final[dict[str, Any]] = {
    # With the token in the session, the forms need no second cookie.
    "CSRF_USE_SESSIONS": True,
    "CSRF_FAILURE_VIEW": "example_site.views.refuse_form",
    "ALLOWED_HOSTS": ["*"],  # no page has a link that is made of the host
    "INSTALLED_APPS": [
        "minimalkv_django",
        "example_site.apps.SiteConfig",
        "django.contrib.admin.apps.SimpleAdminConfig",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    "MIDDLEWARE": [
        "example_site.views.protect",
        "minimalkv_django.middleware.SessionOutageMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "example_site.admin.VisitorMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    "ROOT_URLCONF": "example_site.urls",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {"environment": "example_site.settings.environment"},
        },
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        },
    ],
    # In the store of the site, as no other is named.
    "CACHES": {
        "default": {
            "BACKEND": "minimalkv_django.cache.KVCache",
            "KEY_PREFIX": "shoebox",
        }
    },
    "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
    "STATIC_URL": "static/",
    "STORAGES": {
        "default": {"BACKEND": "minimalkv_django.storage.KVStorage"},
        "staticfiles": {"BACKEND": "example_site.static_files.StaticFiles"},
    },
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
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
    database = Path(app.instance_path) / "photos.sqlite3"
    return _OWN | {
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
            }
        },
        "SECRET_KEY": app.secret_key,
        "SESSION_ENGINE": "minimalkv_django.sessions",
        "SESSION_COOKIE_NAME": app.config["SESSION_COOKIE_NAME"],
        "SESSION_COOKIE_SAMESITE": app.config["SESSION_COOKIE_SAMESITE"],
        "SESSION_COOKIE_SECURE": app.config["SESSION_COOKIE_SECURE"],
        "SESSION_COOKIE_AGE": app.permanent_session_lifetime.total_seconds(),
        "MINIMALKV_URL": app.config["MINIMALKV_URL"],
        # The object, not its URL: what is in memory has to be the same.
        "MINIMALKV_STORES": app.config["MINIMALKV_STORES"],
        "MINIMALKV_SESSION_ABSOLUTE_LIFETIME": app.config["SESSION_ABSOLUTE_LIFETIME"],
    }


def environment(**options: Any) -> Environment:
    """Return what the templates of both sides ask for."""
    found = Environment(**options)  # noqa: S701 - Django passes autoescape=True
    found.globals.update(
        root=root,
        sign_out_url=lambda: reverse("sign_out"),
        url=reverse,
        sign_in_url=lambda: reverse("sign_in"),
        store_name=str(settings.MINIMALKV_URL),
        calls=calls.of_this_request,
        source=source,
    )
    return found


def root() -> str:
    """Return where the Flask side is."""
    return get_script_prefix().removesuffix(f"{MOUNT}/") + "/"
