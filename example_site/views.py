"""The Django side: who is signed in, in which browsers, and the way out."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from example_site.both import FILE_HEADERS, NAME_WANTED, as_name, page_headers
from minimalkv.sessions import SessionInfo
from minimalkv_django.sessions import SessionStore, revoke_user, session_manager

SHOWN_SESSIONS: Final = 50

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))

View = Callable[[HttpRequest], HttpResponse]


def for_visitors(view: View) -> View:
    """Send strangers to the sign-in page."""

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        if "name" in request.session:
            return view(request)
        return see_other("sign_in")

    return wrapper


def see_other(name: str) -> HttpResponse:
    """Send the browser to another page, where it asks with GET."""
    response = redirect(name)
    response.status_code = 303
    return response


# Pages.


@require_safe
@for_visitors
def account(request: HttpRequest) -> HttpResponse:
    """Greet a visitor, and list the sessions that were begun under the name."""
    name = request.session["name"]
    mine = session_of(request).ref
    found = sorted(session_manager().list(user=name), key=lambda one: rank(one, mine))
    what = {
        "visitor": name,
        "mine": mine,
        "sessions": found[:SHOWN_SESSIONS],
        "more": len(found[SHOWN_SESSIONS:]),
        "idle": in_words(timedelta(seconds=settings.SESSION_COOKIE_AGE)),
        "absolute": in_words(settings.MINIMALKV_SESSION_ABSOLUTE_LIFETIME),
        "count": request.session.get("count", 0),
        "told": messages.get_messages(request),
    }
    return render(request, "account.html", what)


def rank(one: SessionInfo, mine: str) -> tuple[bool, float]:
    """Tell where in the list a session stands: this one first, then the newest."""
    return one.ref != mine, -one.created.timestamp()


def in_words(time: timedelta) -> str:
    """Return a time in the largest unit that tells it without a fraction."""
    secs = round(time.total_seconds())
    size, unit = next(found for found in _UNITS if secs % found[0] == 0)
    number = secs // size
    return f"{number} {unit}{'' if number == 1 else 's'}"


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for a name, and take it."""
    if request.method == "POST":
        sent = request.POST.get("name", "")
        name = as_name(sent)
        if name is not None:
            welcome(request, name)
            return see_other("account")
        what = {"problem": NAME_WANTED, "name": sent}
        return render(request, "sign_in.html", what, status=422)
    if "name" in request.session:
        return see_other("account")
    return render(request, "sign_in.html")


def welcome(request: HttpRequest, name: str) -> None:
    """Begin the session of somebody who signed in, under a new id."""
    session = session_of(request)
    session.flush()
    session.bind(name)
    session["name"] = name
    session["_permanent"] = True  # for Flask, which then lets its cookie stay, too


@require_POST
@for_visitors
def count(request: HttpRequest) -> HttpResponse:
    """Count one up; Flask does the same to the same number."""
    request.session["count"] = request.session.get("count", 0) + 1
    messages.success(request, "Django has counted, in the session that Flask knows.")
    return see_other("account")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, in the store and in the browser."""
    request.session.flush()
    return see_other("sign_in")


@require_POST
@for_visitors
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End all sessions of the visitor, on both sides and in all browsers."""
    revoke_user(request.session["name"])
    request.session.flush()
    return see_other("sign_in")


def session_of(request: HttpRequest) -> SessionStore:
    """Return the session as what it is, for what Django's own ones cannot do."""
    return cast("SessionStore", request.session)


# Around every page.


def protect(get_response: View) -> View:
    """Give each answer the headers that the Flask side gives."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            for name, value in page_headers().items():
                response[name] = value
        is_file = "Content-Disposition" in response or response.status_code == 304
        for name, value in FILE_HEADERS.items():
            # What the library sends has its policy, or must have none, as a PDF.
            if not (is_file and name == "Content-Security-Policy"):
                response.headers.setdefault(name, value)
        return response

    return middleware


# What goes wrong.


def refuse_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that another site made the browser send."""
    text = "This form is out of date. Go back to the photos and try again."
    return problem(request, 403, "Forbidden", text)


def refuse_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that what was sent is of no use, or its session was ended meanwhile."""
    text = "This did not work. You may have been signed out in another browser."
    return problem(request, 400, "Bad Request", text)


def miss_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is no such page."""
    return problem(request, 404, "Not Found", "There is nothing here.")


def admit_failure(request: HttpRequest) -> HttpResponse:
    """Say that the site is to blame."""
    text = "The site has failed; its log tells why."
    return problem(request, 500, "Internal Server Error", text)


def problem(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Say in words what a status code means; the session is not needed for that."""
    what = {"title": title, "text": text}
    return render(request, "problem.html", what, status=status)
