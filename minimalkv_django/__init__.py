"""The Django side of minimalkv: sessions on any store.

Put ``"minimalkv_django"`` into ``INSTALLED_APPS`` and name a store:
``MINIMALKV_URL = "redis://localhost/0"``. Sessions are kept in it by
``SESSION_ENGINE = "minimalkv_django.sessions"``, and it is there for other things, too:
``from minimalkv_django import stores`` and ``stores["default"]``.
"""

from minimalkv_django.stores import stores

__all__ = ["stores"]
