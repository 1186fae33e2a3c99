"""A page that does what a test wants done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path

Action = Callable[[HttpRequest], object]

actions: list[Action] = []


def run(request: HttpRequest) -> HttpResponse:
    done = actions.pop()(request)
    return done if isinstance(done, HttpResponse) else HttpResponse(str(done))


urlpatterns = [path("", run)]
