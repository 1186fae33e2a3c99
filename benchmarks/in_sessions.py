"""Sessions on Redis: the codec, and requests of Flask and Django."""

import json
from timeit import Timer

from benchmarks import in_django, in_flask
from benchmarks.content import SESSION
from benchmarks.measure import Effort, Rows, compare, summarize
from minimalkv._sessions import codec
from tests.servers import servers

_AIM_OF_CODEC_SECS = 20e-6
_FINER = 10


def rows(effort: Effort) -> Rows:
    """Measure what a session of 1 KiB adds to requests that do nothing else."""
    effort = effort.finer(_FINER)
    yield from _codec(effort)
    server = servers.redis()
    url = server.url(h=False)
    with server.client(url) as client:
        yield from in_flask.rows(url, client, effort)
    yield from in_django.rows(server.url(h=False), server.url(h=False), effort)


def _codec(effort: Effort) -> Rows:
    text = codec.encode(SESSION)
    label = f"session codec, {len(text)} B there and back"

    def ours() -> object:
        return codec.decode(codec.encode(SESSION))

    def of_json() -> object:
        return json.loads(json.dumps(SESSION))

    yield compare(f"{label} / json", of_json, ours, effort)
    number = max(round(effort.round_secs / _AIM_OF_CODEC_SECS), 1)
    secs = Timer(ours).repeat(effort.rounds, number)
    # The one aim that is no ratio: there is nothing that it could be measured against.
    ratios = [each / number / _AIM_OF_CODEC_SECS for each in secs]
    yield summarize(f"{label} / 20 µs", ratios, 1.0)
