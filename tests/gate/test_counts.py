"""Counts of two revisions: one more is one more, and what differs within a revision is not judged."""

from __future__ import annotations

import pytest

from perfkit.gate import budgets, counts, verdict
from perfkit.model.finding import Place
from perfkit.model.gate import Budget, CountJudged, CountKey, Counts, grown_calls

UNIT = "GET /orders"
HERE = Place("/repo/views.py", 7, "orders", "app")


def _side(*totals: dict[CountKey, int], repeats: int = 10) -> list[Counts]:
    return [Counts(each, {UNIT: repeats}, dict.fromkeys(each, HERE)) for each in totals]


def _key(what: str, name: str = "") -> CountKey:
    return CountKey(UNIT, what, name)  # type: ignore[arg-type]


def _judged(before: tuple[int, int], after: tuple[int, int], what: str = "queries") -> CountJudged:
    key = _key(what)
    (found,) = counts.judge(_side(*({key: n} for n in before)), _side(*({key: n} for n in after)))
    return found


def test_one_more_is_more() -> None:
    found = _judged((80, 80), (90, 90))
    assert (found.status, found.baseline, found.current, found.where) == ("more", 8.0, 9.0, HERE)


def test_less_and_same() -> None:
    assert _judged((80, 80), (80, 80)).status == "same"
    assert _judged((80, 80), (79, 79)).status == "less"


def test_what_two_processes_disagree_on_is_flaky() -> None:
    found = _judged((80, 81), (90, 90))
    assert found.status == "flaky"
    assert found.spread == (8.0, 8.1, 9.0, 9.0)


def test_a_statement_that_one_side_does_not_run_counts_nothing_there() -> None:
    key = _key("statement", "SELECT ?")
    (found,) = counts.judge(_side({}, {}), _side({key: 10}, {key: 10}))
    assert (found.status, found.baseline, found.current) == ("more", 0.0, 1.0)


def test_units_of_one_side_alone_are_not_judged() -> None:
    other = [Counts({CountKey("GET /new", "queries"): 5}, {"GET /new": 1})] * 2
    assert counts.judge(_side({}, {}), other) == ()


def _breaches(judged: CountJudged, *more: CountJudged, limits: tuple[Budget, ...] = budgets.DEFAULTS) -> list[str]:
    return [breach.title for breach in verdict.counts([judged, *more], limits)[0]]


def test_one_query_more_fails_and_names_the_statement() -> None:
    statement = CountJudged(_key("statement", "SELECT a  FROM b"), "more", 8, 9, (), HERE)
    (breach,), undecided = verdict.counts([_judged((80, 80), (90, 90)), statement], budgets.DEFAULTS)
    assert breach.title == "GET /orders runs 9 queries per request, was 8"
    assert breach.why == "9 times per request, 8 times before: SELECT a FROM b"
    assert (breach.where, breach.budget, breach.key) == (HERE, "+0", "GET /orders queries")
    assert not undecided


@pytest.mark.parametrize(
    ("what", "fails"),
    [
        ("queries", True),
        ("connections", True),
        ("commits", True),
        ("external", True),
        ("rows", False),
        ("calls", False),
    ],
)
def test_what_fails_without_a_budget(what: str, fails: bool) -> None:
    assert bool(_breaches(_judged((80, 80), (90, 90), what))) is fails


def test_a_budget_allows_more() -> None:
    judged = _judged((80, 80), (90, 90))
    for text, value, relative, fails in (("+1", 1, True, False), ("9", 9, False, False), ("8", 8, False, True)):
        limits = (*budgets.DEFAULTS, Budget(UNIT, "queries", value, relative, text))
        assert bool(_breaches(judged, limits=limits)) is fails, text


def test_a_budget_of_a_share() -> None:
    judged = _judged((1000, 1000), (1090, 1090), "calls")
    for text, fails in (("+10%", False), ("+8%", True), ("+8", True), ("+9", False)):
        limits = budgets.read({"calls": text}, "pyproject.toml")
        assert _breaches(judged, limits=limits) == (
            ["GET /orders makes 109 calls of functions per request, was 100"] * fails
        )


def test_a_call_to_another_service_fails_and_names_the_host() -> None:
    host = CountJudged(_key("host", "api.example.com"), "more", 1, 2, (), HERE)
    (breach,), _ = verdict.counts([_judged((10, 10), (20, 20), "external"), host], budgets.DEFAULTS)
    assert breach.title == "GET /orders sends 2 requests to other services per request, was 1"
    assert (breach.why, breach.where) == ("2 times per request, once before: api.example.com", HERE)


def _called(before: dict[str, int], after: dict[str, int], limits: tuple[Budget, ...] = ()) -> tuple[CountJudged, ...]:
    """One request of each side with these calls, by function."""
    sides = [
        {_key("call", name): n for name, n in side.items()} | {_key("calls"): sum(side.values())}
        for side in (before, after)
    ]
    first, second = (_side(side, side, repeats=1) for side in sides)
    return counts.judge(first, second, limits)


def test_a_budget_of_one_function() -> None:
    limits = budgets.read({"fn:shop.py:total": {"calls": "+0"}, "fn:shop.py:tax": {"calls": 5}}, "pyproject.toml")
    judged = _called(
        {"shop.py:total": 1, "shop.py:tax": 9, "shop.py:same": 9},
        {"shop.py:total": 60, "shop.py:tax": 9, "shop.py:same": 9},
        limits,
    )
    breaches, _ = verdict.counts(judged, limits)
    assert [(one.title, one.budget, one.metric, one.key) for one in breaches] == [
        ("GET /orders calls shop.py:tax 9 times per request, was 9", "5", "calls", "GET /orders calls shop.py:tax"),
        (
            "GET /orders calls shop.py:total 60 times per request, was 1",
            "+0",
            "calls",
            "GET /orders calls shop.py:total",
        ),
    ]


def test_functions_that_are_called_as_often_are_left_out() -> None:
    judged = _called(
        {"shop.py:total": 1, "shop.py:gone": 2, "shop.py:same": 9}, {"shop.py:total": 60, "shop.py:same": 9}
    )
    assert {one.key.name for one in judged} == {"", "shop.py:total", "shop.py:gone"}


def test_what_one_side_could_not_count_is_not_0() -> None:
    key = _key("queries")
    before, after = _side({key: 80}, {key: 80}), _side({key: 80, _key("calls"): 90}, {key: 80, _key("calls"): 90})
    for one, other in ((before, after), (after, before)):
        assert [judged.key.what for judged in counts.judge(one, other)] == ["queries"]


def test_what_grew_by_the_largest_factor_comes_first() -> None:
    judged = _called({"a": 100, "b": 1, "c": 3, "d": 0, "e": 1}, {"a": 200, "b": 60, "c": 2, "d": 1, "e": 1})
    assert [one.key.name for one in grown_calls(judged, UNIT)] == ["b", "d", "a"]
    assert grown_calls(judged, "GET /other") == []


def test_calls_explain_calls() -> None:
    judged = _called({"shop.py:total": 1, "shop.py:tax": 2}, {"shop.py:total": 60, "shop.py:tax": 120})
    (breach,), _ = verdict.counts(judged, budgets.read({"calls": "+10%"}, "pyproject.toml"))
    assert breach.why == "shop.py:tax is called 120 times per request, 2 times before, shop.py:total 1 → 60"
    assert breach.where == HERE


def test_calls_alone_show_nothing_unless_a_budget_names_them() -> None:
    judged = _called({"a": 1}, {"a": 2})
    assert not counts.shows_anything(judged, budgets.DEFAULTS)
    assert counts.shows_anything(judged, budgets.read({"calls": "+0"}, "pyproject.toml"))
    assert counts.shows_anything([_judged((80, 80), (80, 80))], ())


def test_a_flaky_count_is_quarantined_by_name_unless_it_is_far_above() -> None:
    breaches, undecided = verdict.counts([_judged((80, 81), (82, 80))], budgets.DEFAULTS)
    assert not breaches
    assert [(one.unit, one.metric, one.reason) for one in undecided] == [
        (UNIT, "queries", "differs between two runs of one revision: 8, 8.1, 8.2, 8")
    ]
    assert verdict.answer(breaches, undecided) == "pass"
    assert _breaches(_judged((80, 81), (120, 121)))


def test_a_run_that_counted_nothing_of_a_unit_says_nothing() -> None:
    key = _key("queries")
    empty = Counts({}, {UNIT: 0})
    (found,) = counts.judge([*_side({key: 80}), empty], _side({key: 80}, {key: 80}))
    assert (found.status, found.baseline) == ("same", 8.0)
    assert counts.judge([empty, empty], _side({key: 80}, {key: 80})) == ()
