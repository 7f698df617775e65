"""The rules about memory: what fires on what is known to leak, to be unlimited or to leap, and what stays quiet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from memory_cases import MB, Case, Kept, flat, heap, judged, leaking, noisy, plateau, recording, warming
from memory_heap_cases import FIRES_HEAP, QUIET_HEAP
from memory_line_cases import FIRES_LINES, QUIET_LINES

from perfkit.analysis import analyse
from perfkit.findings import RULES, judge
from perfkit.model.finding import MemoryFinding, Silence

GROWS = Kept("shop.SEEN", lambda at: 20 * at, each=2000)
CACHED = Kept("shop.price_of()", lambda at: 20 * at, "lru_cache", each=2000, hits=10, line=8)
SCRIPT = "script>; load@shop.py:9 300"
FIRES: list[Case] = [
    Case("a dict that grows with its process", "memory-leak", leaking, [GROWS], where=("shop.py", 4)),
    Case(
        "a list whose process does not show it yet",
        "memory-leak",
        flat,
        [replace(GROWS, kind="list")],
        where=("shop.py", 4),
    ),
    Case("in each of three workers", "memory-leak", leaking, [GROWS], processes=3, where=("shop.py", 4)),
    Case("a process without a container that shows it", "memory-leak", leaking),
    Case("a cache that is never hit", "unbounded-cache", leaking, [CACHED], where=("shop.py", 8)),
    Case("a cache that is hit often", "unbounded-cache", leaking, [replace(CACHED, hits=90_000)], where=("shop.py", 8)),
    Case("a cache of large results", "unbounded-cache", flat, [replace(CACHED, each=90_000)], where=("shop.py", 8)),
    Case(
        "a report that is loaded whole",
        "request-peak",
        flat,
        peaks=[(10, 200 * MB), (30, 220 * MB)],
        where=("shop.py", 9),
    ),
    Case("one export among many requests", "request-peak", noisy, peaks=[(20, 300 * MB)], where=("shop.py", 9)),
    Case(
        "a job",
        "request-peak",
        flat,
        peaks=[(20, 300 * MB)],
        stack=SCRIPT[:-4],
        sampled=SCRIPT,
        per_second=0,
        where=("shop.py", 9),
    ),
]
FIRES += FIRES_HEAP
QUIET: list[Case] = [
    Case("flat", "memory-leak"),
    Case("a cache that is full after 20 s", "memory-leak", warming, [Kept("shop.SEEN", lambda at: 100 * min(at, 20))]),
    Case("up and down", "memory-leak", noisy),
    Case("a few hundred kilobytes that no container has", "memory-leak", lambda at: 80 * MB + 8_000 * at),
    Case("a plateau near", "memory-leak", plateau, [Kept("shop.SEEN", lambda at: 4000 * (1 - 0.5 ** (at / 8)))]),
    Case("a queue that is emptied", "memory-leak", flat, [Kept("shop.QUEUE", lambda at: 100 + (at * 37) % 400)]),
    Case("measured for 12 s", "memory-leak", leaking, seconds=12),
    Case(
        "a script collects its result", "memory-leak", leaking, [GROWS], sampled=SCRIPT, stack=SCRIPT[:-4], per_second=0
    ),
    Case("no request had a part in it", "memory-leak", flat, [GROWS], per_second=1),
    Case("few and small entries", "memory-leak", flat, [Kept("shop.NAMES", lambda at: 2 * at, each=60)]),
    Case("with a limit that is not reached", "unbounded-cache", flat, [replace(CACHED, bound=5000)]),
    Case(
        "all its arguments were met",
        "unbounded-cache",
        flat,
        [Kept("shop.tax()", lambda at: min(250, 50 * at), "lru_cache", hits=9)],
    ),
    Case("a dict is no cached function", "unbounded-cache", leaking, [GROWS]),
    Case("no jump", "request-peak", noisy),
    Case("one small jump among all requests", "request-peak", flat, peaks=[(20, 30 * MB)]),
    Case(
        "while the server starts",
        "request-peak",
        flat,
        peaks=[(1, 200 * MB)],
        stack="<module>@shop.py:1; load@shop.py:2",
    ),
]
QUIET += QUIET_HEAP
FIRES += FIRES_LINES
QUIET += QUIET_LINES
MEMORY_RULES = [name for name in RULES if getattr(RULES.load(name), "ranks", "") == "memory"]


def _of_rule(case: Case) -> list[MemoryFinding]:
    return [finding for finding in judged(case).memory if finding.rule == case.rule]


@pytest.mark.parametrize("case", FIRES, ids=lambda case: f"{case.rule}: {case.name}")
def test_fires(case: Case) -> None:
    (finding,) = _of_rule(case)
    place = finding.where and (finding.where.file.rpartition("/")[2], finding.where.line)
    assert place == case.where
    assert finding.bytes > 0 and finding.evidence and finding.advice.text


@pytest.mark.parametrize("case", QUIET, ids=lambda case: f"{case.rule}: {case.name}")
def test_stays_quiet(case: Case) -> None:
    assert [finding.title for finding in _of_rule(case)] == []


def test_every_rule_has_three_cases_of_each_kind() -> None:
    for cases in (FIRES, QUIET):
        counts = Counter(case.rule for case in cases)
        assert {rule for rule, n in counts.items() if n >= 3} == set(MEMORY_RULES)


def test_bytes_are_those_of_the_case() -> None:
    (leak,) = judged(FIRES[0]).memory
    # 20 entries of 2000 bytes a second, over 20 requests a second.
    assert leak.per_request == pytest.approx(2000, rel=0.05)
    assert leak.to_limit == pytest.approx((2000 - 83) * MB / 40_000, rel=0.1)
    (peak,) = judged(FIRES[7]).memory
    assert peak.bytes == pytest.approx(220 * MB, rel=0.02)
    assert (peak.per_request, peak.to_limit) == (None, None)


def test_the_endpoint_that_leaks_is_named() -> None:
    def steps(at: float) -> float:
        """5 kB for each request of the first endpoint, which has the first four of each twelve seconds."""
        whole, rest = divmod(at, 12)
        return 80 * MB + 20 * 5000 * (4 * whole + min(4, rest))

    names = ("GET /leak", "GET /orders", "GET /healthy")
    (finding,) = judged(Case("by endpoint", "memory-leak", steps, endpoints=names, seconds=120)).memory
    assert finding.endpoint == "GET /leak"
    assert finding.evidence[1].value == pytest.approx(5000, rel=0.25)


def _first_of_three(at: float) -> float:
    """20 entries a second in the first four of each twelve seconds."""
    whole, rest = divmod(at, 12)
    return 20 * (4 * whole + min(4, rest))


THREE = ("GET /leak", "GET /orders", "GET /healthy")


@pytest.mark.parametrize(
    ("length", "endpoints", "named"),
    [
        (_first_of_three, THREE, "GET /leak"),
        (lambda at: 20 * at, THREE, None),  # as a thread of the server's own would, whoever asks
        (lambda at: 20 * at, THREE[:1], "GET /leak"),
        (lambda at: _first_of_three(at) + _first_of_three(at - 4), THREE, None),
    ],
    ids=["one of three", "all alike", "the only one", "two of three"],
)
@pytest.mark.parametrize("kind", ["dict", "lru_cache"])
def test_the_endpoint_that_fills_a_container_is_named(
    length: Callable[[float], float], endpoints: tuple[str, ...], named: str | None, kind: str
) -> None:
    kept = Kept("shop.SEEN", length, kind, each=6000, until=120)
    (finding,) = judged(Case("", "", leaking, [kept], endpoints=endpoints, seconds=120)).memory
    assert finding.endpoint == named
    claims = [claim.claim for claim in finding.evidence if "grows with the requests of" in claim.claim]
    assert claims == ([f"It grows with the requests of {named}: 1 for each."] if named else [])


def test_a_container_leaves_nothing_to_say_of_the_process() -> None:
    explained = judged(Case("", "", leaking, [replace(GROWS, each=2500)])).memory
    assert [finding.where is not None for finding in explained] == [True]
    partly = judged(Case("", "", leaking, [replace(GROWS, each=200)])).memory
    assert [finding.where is not None for finding in partly].count(False) == 1


def test_without_memory_the_rules_say_so() -> None:
    whole = recording(FIRES[0])
    verdicts = judge(analyse(replace(whole, memory=(), containers=(), rises=())))
    assert verdicts.memory == ()
    told = {check.rule: (check.status, check.reason) for check in verdicts.checks if check.rule in MEMORY_RULES}
    assert set(told.values()) == {("not_run", "memory was not followed: --memory")}


def test_silences_hold_for_memory_too() -> None:
    silence = Silence("memory-leak", "shop.py", "restarted every night")
    verdicts = judge(analyse(recording(FIRES[0])), [silence])
    assert verdicts.memory == ()
    assert [item.silence for item in verdicts.silenced_memory] == [silence]
    assert verdicts.remarks == ()


def test_keys_do_not_move_with_lines() -> None:
    moved = replace(FIRES[0], kept=[replace(GROWS, line=40)])
    assert [finding.key for finding in judged(moved).memory] == [finding.key for finding in judged(FIRES[0]).memory]


def rules_of(case: Case) -> list[str]:
    return [finding.rule for finding in judged(case).memory]


def test_growth_outside_of_python_is_no_other_leak() -> None:
    assert rules_of(next(case for case in FIRES_HEAP if case.rule == "native-growth")) == ["native-growth"]


def test_room_that_grows_and_is_free_is_no_leak() -> None:
    assert rules_of(next(case for case in QUIET_HEAP if case.name == "it is free")) == []
    assert rules_of(next(case for case in FIRES_HEAP if case.name == "survivors, and more of them")) == [
        "fragmentation"
    ]


def test_a_little_that_nobody_handed_out_is_no_leak() -> None:
    touched = next(case for case in QUIET_HEAP if case.name.startswith("pages that are touched"))
    assert rules_of(touched) == []
    assert rules_of(replace(touched, heap=None)) == ["memory-leak"]


def test_what_stays_of_a_peak_is_told_of_the_peak() -> None:
    kept = replace(next(case for case in FIRES_HEAP if case.rule == "kept-by-malloc"), peaks=[(10, 200 * MB)])
    (finding,) = judged(kept).memory
    assert (finding.rule, len(finding.evidence)) == ("request-peak", 2)
    assert finding.bytes == pytest.approx(200 * MB, rel=0.02)
    assert "malloc_trim" in finding.advice.text


def test_a_peak_that_is_cycles_which_wait_is_told_once() -> None:
    waits = next(case for case in FIRES_HEAP if case.rule == "reference-cycles")
    assert rules_of(replace(waits, peaks=[(10, 30 * MB), (20, 30 * MB)])) == ["reference-cycles"]
    assert rules_of(replace(waits, peaks=[(10, 90 * MB)])) == ["request-peak", "reference-cycles"]


def test_workers_save_what_they_could_share_once() -> None:
    preload = next(case for case in FIRES_HEAP if case.rule == "preload")
    unused = replace(preload, imports=[("<module>@shop.py:2; <module>@lib/pandas/__init__.py:1", 40 * MB)])
    found = {
        finding.rule: finding.bytes for finding in judged(replace(unused, sampled="flask>; a@shop.py:3 600")).memory
    }
    # Three workers have it: two thirds are saved by sharing it, the last one by not importing it.
    assert found == {"preload": 2 * 40 * MB, "heavy-import": 40 * MB}


def test_a_heap_that_does_not_account_for_itself_is_not_judged() -> None:
    untold = heap(live=-1, arenas=-1, used=-1, free=-1, mapped=-1)
    verdicts = judged(Case("", "", leaking, heap=lambda at: {k: None if v == -1 else v for k, v in untold(at).items()}))
    status = {check.rule: check.status for check in verdicts.checks}
    assert [status[rule] for rule in ("native-growth", "kept-by-malloc", "fragmentation")] == ["not_run"] * 3
    assert (status["reference-cycles"], status["gc-thrash"]) == ("clean", "clean")
    assert [finding.rule for finding in verdicts.memory] == ["memory-leak"]
