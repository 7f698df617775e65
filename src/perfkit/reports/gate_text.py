"""Reports room: a verdict as text, for the terminal and CI logs. What fails comes first, with its why, its where and its budget."""

from __future__ import annotations

from perfkit.model.gate import WHOLE, Breach, CountJudged, TimeJudged, Verdict, grown_calls, per, unit_noun
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units

_MOST = 20
_WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
# Functions that are called more often, told of a unit that failed. JSON has them all.
_FUNCTIONS = 3


def render(verdict: Verdict, options: RenderOptions) -> str:
    paths = Paths((verdict.root,))
    lines = [*_head(verdict, paths), *_undecided(verdict), *_others(verdict), *_accepted(verdict), *_notes(verdict)]
    clean = visible if options.unicode else ascii_only
    return "".join(clean(line) + "\n" for line in lines)


def _head(verdict: Verdict, paths: Paths) -> list[str]:
    if verdict.answer == "pass":
        return [f"PASS  {_within(verdict)}; {_largest(verdict)}"]
    if verdict.answer == "inconclusive":
        return ["INCONCLUSIVE  nothing is shown to be slower, and not all could be shown not to be"]
    lines: list[str] = []
    told: set[object] = set()
    for breach in verdict.breaches[:_MOST]:
        if breach.where in told and breach.where is not None:
            lines.append(f"FAIL  {breach.title}, from the same place")
            continue
        lines += _breach(breach, paths)
        if breach.unit not in told:
            lines += _called(verdict, breach)
        told |= {breach.unit, breach.where}
    left = len(verdict.breaches) - _MOST
    lines += [f"  and {units.plural(left, 'breach')} more"] if left > 0 else []
    return [*lines, '  more     perfkit gate explain; if it is meant: perfkit gate accept WHAT --reason "…"']


def _breach(breach: Breach, paths: Paths) -> list[str]:
    lines = [f"FAIL  {breach.title}", f"  budget   {breach.metric} {breach.budget}"]
    if breach.why:
        lines.append(f"  why      {breach.why}")
    if breach.where is not None:
        since = f", {breach.since}" if breach.since else ""
        lines.append(f"  where    {paths.at(breach.where)}{since}")
    return lines


def _called(verdict: Verdict, breach: Breach) -> list[str]:
    """What the unit calls so many times more, unless that is said already."""
    grown = [
        one for one in grown_calls(verdict.counts, breach.unit) if one.key.name not in f"{breach.why} {breach.title}"
    ]
    if not grown:
        return []
    first = [f"{one.key.name} {one.baseline:.4g} → {one.current:.4g}" for one in grown[:_FUNCTIONS]]
    more = len(grown) - len(first)
    return [f"  calls    {', '.join(first)}{per(breach.unit)}{f', and {more} functions more' if more else ''}"]


def _within(verdict: Verdict) -> str:
    one = verdict.units == (WHOLE,)
    return "within budget" if one else f"{units.plural(len(verdict.units), unit_noun(verdict.units))} within budget"


def _largest(verdict: Verdict) -> str:
    cpu = [one for one in verdict.times if one.clock == "cpu"]
    if not cpu:
        return "times were not compared"
    worst = max(cpu, key=lambda one: one.change)
    return f"largest change {worst.unit} CPU {units.change(worst.change)} ({units.change(worst.low)} to {units.change(worst.high)})"


def _undecided(verdict: Verdict) -> list[str]:
    lines = [f"  {one.unit}  {one.metric}: {one.reason}" for one in verdict.undecided]
    if verdict.answer == "inconclusive":
        lines.append("  try      a quieter machine, or --no-times; perfkit gate calibrate tells what this one can see")
    return lines


def _others(verdict: Verdict) -> list[str]:
    failed = {(breach.unit, breach.metric) for breach in verdict.breaches}
    lines = [_time(one) for one in verdict.times if one.clock == "cpu" and (one.unit, "cpu") not in failed]
    differ = [
        _count(one)
        for one in verdict.counts
        if one.status in ("more", "less") and not one.key.name and (one.key.unit, one.key.what) not in failed
    ]
    lines += _first(differ, "more counts that differ")
    lines += _first([f"  {unit}  is new: nothing to compare it with" for unit in verdict.appeared], "more that are new")
    lines += _first(
        [f"  {unit}  is not there any more" for unit in verdict.vanished], "more that are not there any more"
    )
    return lines


def _first(lines: list[str], more: str) -> list[str]:
    """One change may touch every test of a suite."""
    left = len(lines) - _MOST
    return lines if left <= 0 else [*lines[:_MOST], f"  and {left} {more}: --report json=FILE has all"]


def _time(one: TimeJudged) -> str:
    return (
        f"  {one.unit}  CPU {units.seconds(one.baseline)} → {units.seconds(one.current)}"
        f"  {units.change(one.change)} ({units.change(one.low)} to {units.change(one.high)}), {one.pairs} pairs: {one.status}"
    )


def _count(one: CountJudged) -> str:
    return f"  {one.key.unit}  {one.key.what} {one.baseline:.4g} → {one.current:.4g}{per(one.key.unit)}"


def _accepted(verdict: Verdict) -> list[str]:
    return [f"  accepted {one.breach.title}: {one.reason}" for one in verdict.accepted]


def _notes(verdict: Verdict) -> list[str]:
    return [f"  note: {note}" for note in verdict.notes]
