"""Counted calls stand beside the finding in their function, and change nothing about its rank or its cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfkit.analysis import analyse, callers
from perfkit.findings import judge
from perfkit.findings.counted_calls import with_calls
from perfkit.model.counted import WINDOW, Counted
from perfkit.model.finding import Finding
from perfkit.model.recording import Call, Frame
from recordings_from_text import PROJECT, recording_of

TEXT = """
    flask>; orders@shop.py:7 60
    flask>; render@shop.py:20 40
"""
RECORDING = recording_of(TEXT)
ORDERS = Frame("orders", f"{PROJECT}/shop.py", 5, "app")
VIEW = Frame("view", f"{PROJECT}/views.py", 31, "app")
ROUTE = Frame("route:GET /orders", "<perfkit>", 0, "native")
APPEND = Frame("list.append", "<built-in>", 0, "native")


def edge(caller: Frame | None, callee: Frame, calls: int, process: int = 1) -> Call:
    return Call(process, caller, callee, calls, calls, 0.0, 0.0)


def window(requests: int, seconds: float = 2.0, process: int = 1, *followed: Frame) -> list[Call]:
    rows = [Call(process, None, WINDOW, requests, requests, 0.0, seconds)]
    return rows + [edge(WINDOW, frame, 0, process) for frame in followed or (ORDERS,)]


def counted(*calls: Call) -> tuple[Counted, ...]:
    return callers.read(replace(RECORDING, calls=calls))


def found(*calls: Call) -> tuple[Finding, ...]:
    return with_calls(judge(analyse(RECORDING)).findings, counted(*calls))


def claims(*calls: Call) -> list[str]:
    return [item.claim for finding in found(*calls) for item in finding.evidence if item.claim.startswith("Called")]


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ([edge(VIEW, ORDERS, 12_400)], "Called 1,240 times a request, by view() (views.py:31)."),
        ([edge(VIEW, ORDERS, 10)], "Called 1 time a request, by view() (views.py:31)."),
        ([edge(VIEW, ORDERS, 25)], "Called 2.5 times a request, by view() (views.py:31)."),
        ([edge(VIEW, ORDERS, 3)], "Called 3 times in 10 requests, by view() (views.py:31)."),
        ([edge(None, ORDERS, 20)], "Called 2 times a request."),
        ([edge(VIEW, ORDERS, 1), edge(None, ORDERS, 19)], "Called 2 times a request."),
        (
            [edge(VIEW, ORDERS, 60), edge(ROUTE, ORDERS, 40)],
            "Called 10 times a request, in 60% of cases by view() (views.py:31).",
        ),
        ([edge(ROUTE, ORDERS, 20)], "Called 2 times a request, for GET /orders."),
        (
            [edge(VIEW, ORDERS, 10), edge(ORDERS, ORDERS, 90)],
            "Called 10 times a request, 90% of them by itself, by view() (views.py:31).",
        ),
        (
            [edge(VIEW, ORDERS, 999), edge(None, ORDERS, 1)],
            "Called 100 times a request, almost always by view() (views.py:31).",
        ),
    ],
)
def test_how_often_and_by_whom(edges: list[Call], said: str) -> None:
    assert claims(*window(10), *edges) == [said]


def test_without_requests_there_are_seconds() -> None:
    assert claims(*window(0), edge(VIEW, ORDERS, 500)) == ["Called 500 times in 2 s, by view() (views.py:31)."]


def test_processes_are_added_up() -> None:
    rows = [*window(10), edge(VIEW, ORDERS, 100), *window(30, 1.0, 2), edge(VIEW, ORDERS, 300, 2)]
    (one,) = counted(*rows)
    assert (one.calls, one.requests, one.seconds, one.per_request) == (400, 40, 2.0, 10.0)
    assert claims(*rows) == ["Called 10 times a request, by view() (views.py:31)."]


def test_ranks_and_costs_stay() -> None:
    without, beside = judge(analyse(RECORDING)).findings, found(*window(10), edge(VIEW, ORDERS, 10))
    assert [(f.key, f.rank, f.cost) for f in without] == [(f.key, f.rank, f.cost) for f in beside]


def test_what_was_not_followed_has_no_number() -> None:
    """Of a function that others called now and then nobody knows how often it was called in all."""
    rows = [*window(10, 2.0, 1, VIEW), edge(None, VIEW, 10), edge(VIEW, ORDERS, 10), edge(VIEW, APPEND, 30)]
    assert claims(*rows) == []
    (view,) = counted(*rows)
    assert [(one.frame, one.calls) for one in view.callees] == [(APPEND, 30), (ORDERS, 10)]


def test_a_deterministic_profile_has_none() -> None:
    calls = (edge(None, VIEW, 10), edge(VIEW, ORDERS, 10))
    assert counted(*calls) == ()
    recording = replace(RECORDING, calls=calls)
    assert callers.profile(recording) == calls
    assert callers.profile(replace(recording, calls=(*calls, *window(10)))) == ()
