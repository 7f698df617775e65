"""Statements added up: percentiles of several places, requests that run them, loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from perfkit.model.analysis import SpanUse
from perfkit.model.report import Report
from perfkit.reports.queries import queries


def test_merged_percentiles_are_bounds_from_above(probed: Report) -> None:
    """100 executions of 1 to 4 ms and 50 of 10 to 40 ms: the true median is at most 2 ms, the true 95th at most 20."""
    orders = queries(probed.analysis)[1]
    assert orders.percentiles == (0.002, 0.02, 0.03, 0.04)


def test_a_request_that_runs_it_at_two_places_is_one(probed: Report, executions: Callable[..., SpanUse]) -> None:
    first = executions(probed.analysis, "select 1", 1, "GET /page", 1.0, {2: 100})
    second = executions(probed.analysis, "select 1", 3, "GET /page", 1.0, {1: 100})
    (found,) = queries(replace(probed.analysis, uses=(first, second)))
    assert (found.count, found.per_request) == (300, 3.0)


def test_in_a_script_nothing_is_per_request(probed: Report, executions: Callable[..., SpanUse]) -> None:
    one = executions(probed.analysis, "select 1", 1, None, 1.0, {500: 1})
    (found,) = queries(replace(probed.analysis, uses=(one,), endpoints=()))
    assert (found.per_request, found.endpoints, found.n_plus_one) == (None, (), 1)


def test_a_handler_whose_route_nobody_knows(probed: Report, executions: Callable[..., SpanUse]) -> None:
    one = executions(probed.analysis, "select 1", 1, "Shop.orders", 1.0, {20: 10})
    (found,) = queries(replace(probed.analysis, uses=(one,)))
    assert (found.per_request, found.endpoints) == (20.0, ("Shop.orders",))


@pytest.mark.parametrize(
    ("text", "counts", "changes", "loops"),
    [
        ("select ?", {60: 90, 1: 10}, {}, 90),
        ("select ?", {4: 100}, {}, None),
        ("select ?", {60: 90}, {"repeats": 5000}, None),
        ("select ?", {60: 90}, {"distinct": None}, None),
        ("insert into t values (?)", {60: 90}, {}, None),
    ],
)
def test_what_is_a_loop(
    probed: Report,
    executions: Callable[..., SpanUse],
    text: str,
    counts: dict[int, int],
    changes: dict[str, object],
    loops: int | None,
) -> None:
    (found,) = queries(
        replace(probed.analysis, uses=(executions(probed.analysis, text, 1, "GET /page", 1.0, counts, **changes),))
    )
    assert found.n_plus_one == loops


def test_reading_rows_is_beside_a_call(probed: Report, executions: Callable[..., SpanUse]) -> None:
    one = executions(probed.analysis, "select 1", 1, "GET /page", 3.0, {1: 100}, fetch=2.0)
    (found,) = queries(replace(probed.analysis, uses=(one,)))
    assert (found.mean, found.reading, found.rows_per_call) == (0.01, 0.02, 2.0)
