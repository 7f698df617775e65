"""Verdicts built by hand: one of each answer, one of hostile text, one that is too long for a comment."""

from __future__ import annotations

from math import inf, nan

from perfkit.model.finding import Place
from perfkit.model.gate import Breach, CountJudged, CountKey, TimeJudged, TimeStatus, Undecided, Verdict

ROOT = "/srv/shop"
VIEWS = Place(f"{ROOT}/shop/views.py", 36, "orders", "app")
ORDERS, PAGE, REPORT = "GET /orders", "GET /page", "GET /report"

HOSTILE = (
    "a|b `c` [x](http://evil.example) </details><script>alert(1)</script> ]]> --> <!-- & \"q\" 'r' 100% \\"
    "\n::error file=x::owned\r\n| @everyone\x00\x1b[31m\ud800\u202e # EOF\n{},=:\uffff"
)


def time(unit: str, status: TimeStatus, baseline: float, current: float) -> TimeJudged:
    change = current / baseline - 1
    return TimeJudged(unit, "cpu", status, baseline, current, change, change - 0.02, change + 0.02, 0.021, 16)


def queries(unit: str, baseline: float, current: float) -> CountJudged:
    status = "same" if baseline == current else "more" if current > baseline else "less"
    return CountJudged(CountKey(unit, "queries"), status, baseline, current, (baseline, current), None)  # type: ignore[arg-type]


def failing() -> Verdict:
    """Too many queries with a place, slower without one, and one that is undecided."""
    return Verdict(
        "fail",
        "main (a1b2c3d)",
        "HEAD",
        (
            Breach(
                ORDERS,
                "queries",
                f"{ORDERS} runs 181 queries per request, was 121",
                "+0",
                121.0,
                181.0,
                f"{ORDERS} queries",
                "60 times a request, and was not run before: SELECT * FROM coupon",
                VIEWS,
                "added in a1b2c3d",
            ),
            Breach(ORDERS, "cpu", f"{ORDERS} takes 38% more CPU time", "+2%", 0.0524, 0.0721, f"{ORDERS} cpu"),
        ),
        (Undecided(REPORT, "cpu", "+1.0%, between −4.0% and +6.0%"),),
        (
            time(ORDERS, "slower", 0.0524, 0.0721),
            time(PAGE, "same", 0.0046, 0.0046),
            time(REPORT, "unknown", 0.1, 0.101),
        ),
        (
            queries(ORDERS, 121, 181),
            queries(PAGE, 1, 1),
            CountJudged(CountKey(ORDERS, "statement", "SELECT * FROM coupon"), "more", 0, 60, (), VIEWS),
            CountJudged(CountKey(REPORT, "rows"), "flaky", 10, 11, (10, 11)),
        ),
        root=ROOT,
        vanished=("GET /old",),
        appeared=("GET /new",),
        notes=("the machine was busy",),
    )


def passing() -> Verdict:
    judged = (time(PAGE, "same", 0.0046, 0.0046),), (queries(PAGE, 1, 1),)
    return Verdict("pass", "main (a1b2c3d)", "HEAD", (), (), *judged, (PAGE, "GET /quiet"), ROOT)


def inconclusive() -> Verdict:
    reason = Undecided(REPORT, "cpu", "+1.0%, between −4.0% and +6.0%")
    return Verdict("inconclusive", "main", "HEAD", (), (reason,), (time(REPORT, "unknown", 0.1, 0.101),), (), root=ROOT)


def hostile() -> Verdict:
    """Strangers' text wherever text may stand, and numbers that are none."""
    place = Place(f"{ROOT}/{HOSTILE}.py", 7, HOSTILE, "app")
    breach = Breach(HOSTILE, "queries", HOSTILE, HOSTILE, None, inf, HOSTILE, HOSTILE, place, HOSTILE)
    return Verdict(
        "fail",
        HOSTILE,
        HOSTILE,
        (breach,),
        (Undecided(HOSTILE, "cpu", HOSTILE),),
        (TimeJudged(HOSTILE, "cpu", "unknown", 0.0, 0.1, inf, nan, inf, nan, 2),),
        (CountJudged(CountKey(HOSTILE, "queries"), "more", 1, 2, (), place),),
        root=ROOT,
        vanished=(HOSTILE,),
        appeared=(HOSTILE,),
        notes=(HOSTILE,),
    )


def endless(units: int = 2000) -> Verdict:
    """Names of 5,000 characters, each the worst that escaping can make of it, and more rows than a comment holds."""
    names = [f"{number} " + "&|`<" * 1250 for number in range(units)]
    breaches = tuple(Breach(name, "cpu", name, name, 1, 2, name, name, VIEWS, name) for name in names[:10])
    times = tuple(time(name, "faster" if number % 2 else "same", 0.2, 0.1) for number, name in enumerate(names))
    undecided = tuple(Undecided(name, "cpu", name) for name in names[10:50])
    return Verdict("fail", "&" * 5000, "HEAD", breaches, undecided, times, (), root=ROOT, notes=tuple(names[:30]))
