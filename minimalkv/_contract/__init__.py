"""The contracts of `minimalkv.testing`, a file for each kind of promise."""

import pkgutil

import pytest

# Before any of them is imported, so that a failing assert shows its values.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
)
