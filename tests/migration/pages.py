"""A small site of Flask and Django that share sessions; each keeps files as well."""

from itertools import count
from typing import Any

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpRequest, JsonResponse
from django.urls import path
from flask import Flask, Response, request, session

from minimalkv_flask import MinimalKV
from minimalkv_flask.serving import send_from_store
from minimalkv_flask.uploads import ALL, UploadSet

COOKIE = "sessionid"
_numbers = count(1)


def flask_app(stores: dict[str, str], secret: str) -> Flask:
    """Return the half of the site that is made with Flask."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret, SESSION_COOKIE_NAME=COOKIE, MINIMALKV_STORES=stores
    )
    MinimalKV(app)
    photos = UploadSet("photos", ALL)

    @app.get("/add")
    def add() -> dict[str, Any]:
        session["flask"] = session.get("flask", 0) + 1
        return dict(session)

    @app.get("/see")
    def see() -> dict[str, Any]:
        return dict(session)

    @app.get("/leave")
    def leave() -> str:
        session.clear()
        return "left"

    @app.post("/keep")
    def keep() -> str:
        saved: dict[str, Any] = photos.stream(request)
        return str(saved["photo"].key)

    @app.get("/photos/<path:key>")
    def photo(key: str) -> Response:
        return send_from_store("uploads", key)

    return app


def add(request: HttpRequest) -> JsonResponse:
    request.session["django"] = request.session.get("django", 0) + 1
    cache.incr("hits")
    return JsonResponse(dict(request.session.items()))


def see(request: HttpRequest) -> JsonResponse:
    return JsonResponse(dict(request.session.items()))


def keep(request: HttpRequest) -> JsonResponse:
    name = f"photos/of-django-{next(_numbers)}.txt"
    key = storages["photos"].save(name, ContentFile(request.body))
    return JsonResponse({"key": key})


def leave(request: HttpRequest) -> JsonResponse:
    request.session.flush()
    return JsonResponse({})


urlpatterns = [path(view.__name__, view) for view in (add, see, keep, leave)]
