"""Budgets as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.errors import PerfkitError
from perfkit.gate import budgets, named_budgets
from perfkit.gate.levels import of_peaks, of_waits, percentile
from perfkit.gate.verdict import levels
from perfkit.model.gate import CountKey

SOURCE = "pyproject.toml"


@pytest.mark.parametrize(
    ("metric", "text", "limit", "relative"),
    [
        ("queries", 5, 5, False),
        ("queries", "5", 5, False),
        ("queries", "+0", 0, True),
        ("connections", "+2", 2, True),
        ("p95", "80ms", 0.080, False),
        ("p50", "1.5 s", 1.5, False),
        ("cpu", "+10%", 0.10, True),
        ("p99", "900us", 0.0009, False),
        ("rss_peak", "300MB", 300e6, False),
        ("rss-peak", "1GiB", 2**30, False),
        ("rss_peak", "+5%", 0.05, True),
        ("external", "+0", 0, True),
        ("calls", 120, 120, False),
        ("calls", "+5", 5, True),
        ("calls", "+10%", 0.10, True),
        ("rows", "+50%", 0.50, True),
    ],
)
def test_what_is_read(metric: str, text: object, limit: float, relative: bool) -> None:
    (found,) = budgets.read({metric: text}, SOURCE)
    assert (found.units, found.limit, found.relative) == ("*", pytest.approx(limit), relative)
    assert found.metric == metric.replace("-", "_")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"latency": "80ms"}, "there is no budget for latency"),
        ({"p95": 80}, "p95 cannot be 80"),
        ({"p95": "80"}, "p95 cannot be '80'"),
        ({"p95": "80MB"}, "p95 cannot be '80MB'"),
        ({"queries": "5%"}, "queries cannot be '5%'"),
        ({"queries": "+5%"}, r"queries cannot be '\+5%'"),
        ({"queries": -1}, "queries cannot be -1"),
        ({"queries": True}, "queries cannot be True"),
        ({"queries": [1]}, r"queries cannot be \[1\]"),
        ({"cpu": "10%"}, "cpu cannot be '10%'"),
        ({"cpu": "+5"}, r"cpu cannot be '\+5'"),
        ({"rss_peak": "3 Mb"}, "rss_peak cannot be '3 Mb'"),
        ({"GET /": {"queries": "x"}}, "queries cannot be 'x'"),
        ({"cpu": "nan"}, "cpu cannot be 'nan'"),
        ({"wall": "80ms"}, "wall cannot be '80ms'"),
        ({"GET /": {"rss_peak": "1GB"}}, "rss_peak is of all processes together"),
        ({"calls": "10%"}, "calls cannot be '10%'"),
        ({"external": "+10%"}, r"external cannot be '\+10%'"),
        ({"fn:shop/*": {"queries": 1}}, r"queries is not counted of 'fn:shop/\*'"),
        ({"sql:select ?": {"calls": 1}}, "calls is not counted of 'sql:select"),
        ({"host:api": {"p95": "80ms"}}, "p95 is not counted of 'host:api'"),
    ],
)
def test_what_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(PerfkitError, match=said) as refused:
        budgets.read(table, SOURCE)
    assert refused.value.exit_code == 2
    assert refused.value.hint


def test_the_last_that_fits_decides_and_a_pattern_goes_before_all() -> None:
    found = budgets.read({"GET /items/*": {"queries": 9}, "queries": 5, "GET /items/<int:n>": {"queries": 3}}, SOURCE)
    limits = {unit: budgets.of_unit(found, unit, "queries") for unit in ("GET /items/<int:n>", "GET /items/x", "GET /")}
    assert [limit.limit for limit in limits.values() if limit] == [3, 9, 5]
    assert budgets.of_unit(found, "GET /", "cpu") is None


def test_a_route_with_brackets_is_a_name_and_not_a_pattern() -> None:
    (found,) = budgets.read({"GET /[a]/<b>": {"queries": 1}}, SOURCE)
    assert budgets.fits(found, "GET /[a]/<b>")


def test_what_fits_no_endpoint_is_an_error() -> None:
    with pytest.raises(PerfkitError, match="no endpoint fits 'GET /gone'") as refused:
        budgets.check(budgets.read({"GET /gone": {"queries": 1}}, SOURCE), {"GET /b", "GET /a"})
    assert refused.value.hint == "measured were: GET /a, GET /b"


COUNTED = [
    CountKey("GET /", "calls"),
    CountKey("GET /", "call", "shop/orders.py:total"),
    CountKey("GET /", "call", "shop/orders.py:Order.total"),
    CountKey("GET /", "call", "shop/page.py:render.<locals>.<lambda>"),
    CountKey("GET /", "statement", "SELECT * FROM item WHERE id = ?"),
    CountKey("GET /", "statement", "SELECT name FROM item WHERE id = ?"),
    CountKey("GET /", "host", "api.example.com"),
]


@pytest.mark.parametrize(
    ("key", "metric", "fits"),
    [
        ("fn:shop/orders.py:total", "calls", ["shop/orders.py:total"]),
        ("fn:shop/orders.py:*", "calls", ["shop/orders.py:Order.total", "shop/orders.py:total"]),
        ("fn:*<lambda>", "calls", ["shop/page.py:render.<locals>.<lambda>"]),
        ("sql:select * from item where id=%s", "queries", ["SELECT * FROM item WHERE id = ?"]),
        (
            "sql:select * from item*",
            "queries",
            ["SELECT * FROM item WHERE id = ?", "SELECT name FROM item WHERE id = ?"],
        ),
        ("host:*.example.com", "external", ["api.example.com"]),
    ],
)
def test_functions_statements_and_hosts_by_name_or_pattern(key: str, metric: str, fits: list[str]) -> None:
    limits = budgets.read({key: {metric: 1}}, SOURCE)
    assert sorted(name for _, name in named_budgets.of_names(limits, COUNTED)) == fits
    assert budgets.of_unit(limits, "GET /", metric) is None
    budgets.check(limits, ["GET /"], COUNTED)


def test_a_name_goes_before_a_pattern() -> None:
    names = {"fn:shop/orders.py:total": {"calls": 3}, "fn:*": {"calls": 9}}
    found = named_budgets.of_names(budgets.read(names, SOURCE), COUNTED)
    assert found["call", "shop/orders.py:total"].limit == 3
    assert found["call", "shop/orders.py:Order.total"].limit == 9


def test_what_fits_nothing_that_was_counted_is_an_error() -> None:
    limits = budgets.read({"fn:shop/order.py:total": {"calls": 1}}, SOURCE)
    with pytest.raises(PerfkitError, match="nothing that was counted fits 'shop/order") as refused:
        budgets.check(limits, ["GET /"], COUNTED)
    assert (refused.value.hint, refused.value.exit_code) == ("the nearest is shop/orders.py:total", 2)


def test_percentiles_are_of_single_requests() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([1.0], 0.99) == 1.0
    assert percentile(list(range(1, 101)), 0.95) == 95


def _p95(current: float, text: str) -> tuple[int, int]:
    """How many breaches, how many undecided: requests of 10 ms before, and `current` ms with a tenth of noise now."""
    noise = [0.9, 0.95, 1.0, 1.05, 1.1]
    pairs = [([0.010 * n for n in noise], [current / 1000 * n for n in noise]) for _ in range(20)]
    breaches, undecided = levels(of_waits("GET /", pairs), budgets.read({"p95": text}, SOURCE))
    return len(breaches), len(undecided)


def test_a_limit_of_a_percentile() -> None:
    assert _p95(10, "80ms") == (0, 0)
    assert _p95(100, "80ms") == (1, 0)
    assert _p95(10, "+20%") == (0, 0)
    assert _p95(15, "+20%") == (1, 0)


def test_a_limit_within_the_noise_is_undecided() -> None:
    shaken = [([0.010], [0.010 * (1 + n % 7)]) for n in range(14)]
    breaches, undecided = levels(of_waits("GET /", shaken), budgets.read({"p50": "40ms"}, SOURCE))
    assert (len(breaches), [one.metric for one in undecided]) == (0, ["p50"])


def test_peaks() -> None:
    level = of_peaks("*", [100, 110], [200, 210])
    (breach,), _ = levels([level], budgets.read({"rss_peak": "150B"}, SOURCE))
    assert (breach.baseline, breach.current) == (110, 210)
    assert levels([level], budgets.read({"rss_peak": "+200%"}, SOURCE)) == ([], [])
