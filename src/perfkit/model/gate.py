"""What a gate compares, and what it says: counts and times of two revisions, budgets, breaches, a verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from perfkit.model.finding import Place

if TYPE_CHECKING:
    from perfkit.model.difference import Sampled

Answer = Literal["pass", "fail", "inconclusive"]
# unknown: neither a change nor its absence is shown.
TimeStatus = Literal["slower", "faster", "same", "unknown"]
CountStatus = Literal["more", "less", "same", "flaky"]
Clock = Literal["cpu", "wall"]
# What is counted of a unit. `statement` has a text as its name, `import` a module, `host` a host, `call` a function of the project
# (`shop/orders.py:Order.total`); the others have none. `external` are requests to other services.
Counted = Literal[
    "queries",
    "statement",
    "rows",
    "connections",
    "commits",
    "imports",
    "import",
    "external",
    "host",
    "calls",
    "call",
]

WHOLE = "(the whole run)"
"""The one unit of a script."""
_TEST = re.compile(r"(?![A-Z]+ ).*::")


def per(unit: str) -> str:
    """What follows a number of one repeat: a script and a test run once, endpoints have requests."""
    return "" if unit == WHOLE or _TEST.match(unit) else " per request"


def unit_noun(units: Iterable[str]) -> str:
    return "test" if any(_TEST.match(unit) for unit in units) else "endpoint"


@dataclass(frozen=True, slots=True)
class CountKey:
    """What is counted of which unit: an endpoint, a test, or the whole of a script."""

    unit: str
    what: Counted
    name: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """One process of one revision: totals over `repeats` of each unit, and from where in the project statements come."""

    totals: Mapping[CountKey, int]
    repeats: Mapping[str, int]
    places: Mapping[CountKey, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was counted of one revision, kept for later: one `Counts` a process. `cpu` is seconds of one repeat by unit, which
    hold on this `machine` only and are never judged. `commit` is None outside of a repository."""

    counts: tuple[Counts, ...]
    python: str
    system: str
    command: str
    commit: str | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A breach that is meant, up to `limit`: what is counted or measured, or the share of the baseline for times."""

    key: str
    limit: float
    reason: str


@dataclass(frozen=True, slots=True)
class CountJudged:
    """Of one repeat of the unit. `flaky` ones differ between two processes of one revision: they are shown, and not judged."""

    key: CountKey
    status: CountStatus
    baseline: float
    current: float
    spread: tuple[float, ...] = ()
    where: Place | None = None


def grown_calls(judged: Iterable[CountJudged], unit: str) -> list[CountJudged]:
    """The functions that the unit calls more often than before, by how many times more: 1 → 60 before 100 → 200."""
    grown = [one for one in judged if one.key.unit == unit and one.key.what == "call" and one.status == "more"]
    # One more on both sides, so that 0 → 1 is little.
    return sorted(grown, key=lambda one: (-(one.current + 1) / (one.baseline + 1), -one.current, one.key.name))


@dataclass(frozen=True, slots=True)
class TimeJudged:
    """Seconds of one repeat of the unit. `change` is a share of the baseline (0.05: 5 % slower) with its 95 % interval; `sees` is
    the smallest slowdown that this many pairs would have found 19 times of 20."""

    unit: str
    clock: Clock
    status: TimeStatus
    baseline: float
    current: float
    change: float
    low: float
    high: float
    sees: float
    pairs: int


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """Seconds a request that the project's function takes, with what it calls in libraries, on both sides. `error` is what the
    difference may stray by chance (95 %)."""

    where: Place | None
    function: str
    file: str
    baseline: float
    current: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of one metric for the units that a pattern matches. `relative` limits are shares of the baseline for times and
    bytes, and numbers for counts (`+0`), or with `share` shares of them, too (`+10%`). With `of` it is for what has a name of its
    own: a pattern of functions, statements or hosts, in each of the units."""

    units: str
    metric: str
    limit: float
    relative: bool
    text: str
    source: str = ""
    share: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Breach:
    """One reason to fail. `why` and `where` come from what was recorded of both revisions."""

    unit: str
    metric: str
    title: str
    budget: str
    baseline: float | None
    current: float
    key: str
    why: str | None = None
    where: Place | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBreach:
    """A breach that does not fail the build, and why."""

    breach: Breach
    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """A unit on which there is no answer, and why."""

    unit: str
    metric: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and all that it stands on. Files of the current side are below `root`, the repository's folder; `commit` is the
    baseline's. `sampled` are the units of which both sides were sampled, to explain a breach."""

    answer: Answer
    baseline: str
    current: str
    breaches: tuple[Breach, ...]
    undecided: tuple[Undecided, ...]
    times: tuple[TimeJudged, ...]
    counts: tuple[CountJudged, ...]
    units: tuple[str, ...] = ()
    root: str = ""
    perfkit_version: str = ""
    vanished: tuple[str, ...] = ()
    appeared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    accepted: tuple[AcceptedBreach, ...] = ()
    commit: str | None = None
    sampled: tuple[Sampled, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """What gates of unchanged code would say of a unit on this machine. Shares: `wrong` fail for nothing, `inconclusive` have no
    answer, `spread` is the median distance of a pair from 1. `sees` is the smallest slowdown that 19 of 20 gates find, None where
    none is; `pairs` a gate takes in the mean, `measured` is how many pairs this stands on."""

    unit: str
    seconds: float
    spread: float
    wrong: float
    inconclusive: float
    pairs: float
    sees: float | None
    measured: int


@dataclass(frozen=True, slots=True)
class Point:
    """What was recorded of one commit, of one repeat of a unit."""

    commit: str
    subject: str
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one unit over commits, oldest first. `changes` are the positions of points that differ from those before."""

    unit: str
    metric: str
    points: tuple[Point, ...]
    changes: tuple[int, ...]
