"""Requests with statements for rule cases: what each request runs, in order, becomes requests and spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perfkit.model.recording import Request, Span, SpanKind

# The last frame of a sample that a span owns.
TIMED = "span:sql@<perfkit>:1"


@dataclass(frozen=True)
class Step:
    """A statement that each request runs `times`, `seconds` each, from the frames `at`. `keys` is how many different
    parameters a request uses (0: as many as executions), `shared` that all requests use the same ones. `rows` are those that
    one execution gives; `fetch` the seconds of one that are spent on reading them. `every` is for every n-th request only."""

    text: str
    at: str
    times: int = 1
    seconds: float = 0.001
    rows: int | None = 1
    fetch: float = 0.0
    keys: int = 0
    shared: bool = False
    kind: SpanKind = "sql"
    every: int = 1


def served(
    *steps: Step, requests: int = 20, seconds: float = 0.2, endpoint: str = "GET /orders", size: int = 20_000
) -> Mapping[str, Any]:
    """Options of `recording_of`: requests one after the other, each running the steps. Steps that follow one another with the
    same number of times run in turns, as in a loop."""
    made = [
        Request(endpoint, index * seconds, seconds, 200, "probe", 1, index + 1, "wsgi", seconds, size)
        for index in range(requests)
    ]
    spans = [span for index in range(requests) for span in _spans(steps, index, index * seconds)]
    return {"requests": made, "spans": spans}


def ran(*steps: Step) -> Mapping[str, Any]:
    """Options for a script that runs the steps in its one second."""
    return {"spans": [(span._replace(request=0), text, at) for span, text, at in _spans(steps, 0, 0.0)]}


def _spans(steps: Sequence[Step], index: int, at: float) -> list[tuple[Span, str, str]]:
    found: list[tuple[Span, str, str]] = []
    for turn in _turns(steps):
        for time in range(turn[0].times):
            for step in turn:
                if index % step.every:
                    continue
                key = _key(step, index, time)
                found.append(
                    (Span(1, index + 1, step.kind, 0, 0, at, step.seconds, _count(step), key), step.text, step.at)
                )
                at += step.seconds
                if step.fetch:
                    span = Span(1, index + 1, "fetch", 0, 0, at, step.fetch, step.rows)
                    found.append((span, step.text, step.at))
                    at += step.fetch
    return found


def _turns(steps: Sequence[Step]) -> list[list[Step]]:
    turns: list[list[Step]] = []
    for step in steps:
        if turns and step.times > 1 and turns[-1][0].times == step.times:
            turns[-1].append(step)
        else:
            turns.append([step])
    return turns


def _count(step: Step) -> int | None:
    return None if step.fetch else step.rows


def _key(step: Step, index: int, time: int) -> int | None:
    if step.kind != "sql":
        return None
    number = time % step.keys if step.keys else time
    return 1 + number + (0 if step.shared else 1000 * index) + 1_000_000 * (_number_of(step.text) % 1000)


def _number_of(text: str) -> int:
    """The same in every run, unlike `hash`."""
    return sum(ord(letter) * place for place, letter in enumerate(text, 1))


def in_request(frames: str, endpoint: str = "GET /orders") -> str:
    """Frames of a sample inside a request that the probe times."""
    return f"flask>; route:{endpoint}@<perfkit>:41; {frames}"


def both(step: Step, *endpoints: str) -> Mapping[str, Any]:
    """Twenty requests of each endpoint, one after the other, that run the same step."""
    requests: list[Request] = []
    spans: list[tuple[Span, str, str]] = []
    for endpoint in endpoints:
        more, first = served(step, endpoint=endpoint), len(requests)
        later = 0.2 * first
        requests += [replace(r, start=r.start + later, number=r.number + first) for r in more["requests"]]
        spans += [(s._replace(start=s.start + later, request=s.request + first), t, at) for s, t, at in more["spans"]]
    return {"requests": requests, "spans": spans}
