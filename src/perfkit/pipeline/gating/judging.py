"""Judging: what was counted and timed of both sides comes in, and the verdict goes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.gate import accepted, budgets, counts, levels, verdict
from perfkit.gate.levels import Level
from perfkit.gate.revisions import NOT_COMPARABLE, Revision
from perfkit.model.gate import Accepted, Breach, CountJudged, Counts, Undecided, Verdict
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.timing import Timed

if TYPE_CHECKING:
    from perfkit.pipeline.gating.gate import GateOptions


@dataclass(frozen=True)
class Compared:
    """What both sides counted, and the units that both have, or only one of them. `seen` is whether the probe saw any of them."""

    counts: tuple[CountJudged, ...]
    units: tuple[str, ...]
    vanished: tuple[str, ...]
    appeared: tuple[str, ...]
    seen: bool


@dataclass(frozen=True)
class Against:
    """What the work tree is compared with, in words; `commit` is the baseline's, where it has one."""

    baseline: str
    current: str
    root: Path
    commit: str | None
    accepted: tuple[Accepted, ...]
    notes: tuple[str, ...]

    @classmethod
    def revision(cls, revision: Revision) -> Against:
        same = f"the baseline is the commit that is checked out: {revision.name} was compared with itself"
        return cls(
            baseline=f"{revision.name} ({revision.short})",
            current="the work tree" if revision.dirty else "HEAD",
            root=revision.root,
            commit=revision.commit,
            accepted=accepted.since(revision.root, revision.commit),
            notes=(same,) if revision.own and not revision.dirty else (),
        )


def compare(before: Sequence[Counts], after: Sequence[Counts], options: GateOptions) -> Compared:
    """Raises PerfkitError: 2 for a budget that guards nothing, 3 without a unit in common, 5 where there is nothing to compare."""
    judged = counts.judge(before, after, options.budgets)
    old, new = counts.units(before), counts.units(after)
    budgets.check(options.budgets, old | new, counts.keys_of((*before, *after)))
    looked = options.times or options.new_findings is not None
    if not looked and not counts.shows_anything(judged, options.budgets):
        raise PerfkitError(
            "nothing was counted: no statement, connection or commit on either side.",
            "leave out --no-times, so that times are compared",
            NOT_MEASURED,
        )
    if not old & new:
        raise PerfkitError(
            "the two sides have no endpoint in common: nothing can be compared.",
            "give --load URLs that both have",
            NOT_COMPARABLE,
        )
    seen = any(repeats for side in (*before, *after) for repeats in side.repeats.values())
    return Compared(judged, tuple(sorted(old & new)), tuple(sorted(old - new)), tuple(sorted(new - old)), seen)


def waits(timed_: Mapping[str, Timed]) -> Iterator[Level]:
    for unit, found in timed_.items():
        yield from levels.of_waits(unit, [(b.waits, c.waits) for b, c in found.pairs])


def peaks(before: Sequence[Path], after: Sequence[Path]) -> Iterator[Level]:
    """Of the process tree: PSS counts shared pages once."""
    from perfkit.analysis.machine import process_times
    from perfkit.recordings import load

    peaks = [
        [sum(one.peak_pss or one.peak_rss for one in process_times(load(path))) for path in side]
        for side in (before, after)
    ]
    if all(peak for side in peaks for peak in side):
        yield levels.of_peaks("*", *peaks)


def verdict_of(
    compared: Compared,
    options: GateOptions,
    timed: Mapping[str, Timed],
    found: Sequence[Level],
    against: Against,
    new: Sequence[Breach] = (),
) -> Verdict:
    """`new` are findings that only the current side has."""
    limits = (*budgets.DEFAULTS, *options.budgets)
    times = [one for unit in timed.values() for one in (unit.cpu, unit.wall) if one is not None]
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    for more, open_ in (
        verdict.counts(compared.counts, limits),
        verdict.times(times, limits),
        verdict.levels(found, limits),
    ):
        breaches += more
        undecided += open_
    undecided += _not_judged(options, compared)
    meant = accepted.split([*breaches, *new], against.accepted)
    return Verdict(
        answer=verdict.answer(meant.left, undecided),
        baseline=against.baseline,
        current=against.current,
        breaches=meant.left,
        undecided=tuple(undecided),
        times=tuple(times),
        counts=compared.counts,
        units=compared.units,
        root=str(against.root),
        perfkit_version=__version__,
        vanished=compared.vanished,
        appeared=compared.appeared,
        notes=(*against.notes, *_notes(options)),
        accepted=meant.accepted,
        commit=against.commit,
    )


def _not_judged(options: GateOptions, compared: Compared) -> list[Undecided]:
    """Budgets for what could not be counted guard nothing, which must not look like a pass."""
    if compared.counts or compared.seen or not options.urls:
        return []
    why = "the probe saw no request: it knows neither the server nor the framework"
    return [Undecided(one.units, "counts", why) for one in options.budgets if one.metric in budgets.COUNTED]


def _notes(options: GateOptions) -> tuple[str, ...]:
    if options.times or not any(one.metric in budgets.TIMED for one in options.budgets):
        return ()
    return ("budgets of times were not judged: --no-times",)
