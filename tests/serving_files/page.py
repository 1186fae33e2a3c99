"""A site of the tests as gunicorn makes it."""

import os

import django
from django.conf import settings

from minimalkv import get_store_from_url
from tests.serving_files import sites
from tests.serving_files.sites import SITES, Source, WSGIApp


def make(framework: str, url: str) -> WSGIApp:
    """Return a site of a framework that sends what is in the store of a URL."""
    Source.store = get_store_from_url(url)
    if framework == "django":
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django.settings")
        settings.ROOT_URLCONF = sites.__name__
        django.setup()
    return SITES[framework]()
