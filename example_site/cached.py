"""The Django side: a cache in the store, with an answer that takes long to find."""

import time
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Final, NamedTuple, cast

from django.contrib import messages
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from example_site.views import for_visitors, see_other
from minimalkv import Unsupported
from minimalkv_django.cache import KVCache

LIFETIME_SECS: Final = 30
BELOW: Final = 200_000

_PRIMES: Final = "primes"
_CLICKS: Final = "clicks"


class Answer(NamedTuple):
    """How many primes there are, and how long it took to count them."""

    primes: int
    millis: float


# What is kept.


def count_primes() -> Answer:
    """Count primes in the slowest way that can be borne."""
    begin = time.perf_counter()
    primes = sum(
        all(number % factor for factor in range(2, int(number**0.5) + 1))
        for number in range(2, BELOW)
    )
    return Answer(primes, 1000 * (time.perf_counter() - begin))


def look_up() -> Answer:
    """Return the answer; of all who ask at once, one counts, and the others wait."""
    found = cache().get(_PRIMES)
    if found is None:
        with alone():
            found = cache().get_or_set(_PRIMES, count_primes, LIFETIME_SECS)
    return Answer(*found)


def alone() -> AbstractContextManager[Any]:
    """Return what only one request of all processes is inside of."""
    try:
        return cache().lock("counting", timeout=60, blocking_timeout=30)
    except Unsupported:
        # On S3, Azure and Google all who ask at once count, and the first one wins.
        return nullcontext()


def cache() -> KVCache:
    """Return the cache of the site, which has more than Django's API."""
    return cast("KVCache", caches["default"])


# Pages.


@require_safe
@for_visitors
def overview(request: HttpRequest) -> HttpResponse:
    """Show what is in the cache, and for how long, without adding anything."""
    found = cache().get_many([_PRIMES, _CLICKS])
    what = {
        "answer": found.get(_PRIMES) and Answer(*found[_PRIMES]),
        "left": cache().ttl(_PRIMES),
        "below": BELOW,
        "clicks": found.get(_CLICKS, 0),
        "lifetime": LIFETIME_SECS,
        "visitor": request.session["name"],
        "told": messages.get_messages(request),
    }
    return render(request, "cache.html", what)


@require_POST
@for_visitors
def ask(request: HttpRequest) -> HttpResponse:
    """Look the answer up, and say how long that took."""
    begin = time.perf_counter()
    primes = look_up().primes
    millis = 1000 * (time.perf_counter() - begin)
    messages.success(request, f"{primes} primes: the answer took {millis:.1f} ms.")
    return see_other("cache")


@require_POST
@for_visitors
def click(request: HttpRequest) -> HttpResponse:
    """Count a click; those of all browsers and processes are counted."""
    cache().add(_CLICKS, 0, None)
    with suppress(ValueError):  # somebody has cleared the cache at this moment
        cache().incr(_CLICKS)
    return see_other("cache")


@require_POST
@for_visitors
def clear(request: HttpRequest) -> HttpResponse:
    """Empty the cache, and nothing else: everybody is still signed in."""
    cache().clear()
    messages.success(request, "The cache is empty. Photos and sessions are not.")
    return see_other("cache")
