"""Pieces of the source of this site, for its pages to show."""

import inspect
from functools import cache
from importlib import import_module


@cache
def source(name: str) -> str:
    """Return the source of a function or class, by a name such as ``album.Album``."""
    module, _, thing = name.partition(".")
    found = getattr(import_module(f"example_site.{module}"), thing)
    return inspect.getsource(found).rstrip()
