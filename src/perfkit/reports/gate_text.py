"""Reports room: a verdict as text, for the terminal and CI logs. What fails comes first, with its why, its where and its budget."""

from __future__ import annotations

from perfkit.model.gate import WHOLE, Breach, CountJudged, TimeJudged, Verdict
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units

_WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}


def render(verdict: Verdict, options: RenderOptions) -> str:
    paths = Paths((verdict.root,))
    lines = [*_head(verdict, paths), *_undecided(verdict), *_others(verdict), *_notes(verdict)]
    clean = visible if options.unicode else ascii_only
    return "".join(clean(line) + "\n" for line in lines)


def _head(verdict: Verdict, paths: Paths) -> list[str]:
    if verdict.answer == "pass":
        return [f"PASS  {_within(verdict)}; {_largest(verdict)}"]
    if verdict.answer == "inconclusive":
        return ["INCONCLUSIVE  nothing is shown to be slower, and not all could be shown not to be"]
    lines: list[str] = []
    for breach in verdict.breaches:
        lines += _breach(breach, paths)
    return lines


def _breach(breach: Breach, paths: Paths) -> list[str]:
    lines = [f"FAIL  {breach.title}", f"  budget   {breach.metric} {breach.budget}"]
    if breach.why:
        lines.append(f"  why      {breach.why}")
    if breach.where is not None:
        since = f", {breach.since}" if breach.since else ""
        lines.append(f"  where    {paths.at(breach.where)}{since}")
    return lines


def _within(verdict: Verdict) -> str:
    one = verdict.units == (WHOLE,)
    return "within budget" if one else f"{units.plural(len(verdict.units), 'endpoint')} within budget"


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
    lines += [
        _count(one)
        for one in verdict.counts
        if one.status in ("more", "less") and not one.key.name and (one.key.unit, one.key.what) not in failed
    ]
    lines += [f"  {unit}  is new: nothing to compare it with" for unit in verdict.appeared]
    lines += [f"  {unit}  is not there any more" for unit in verdict.vanished]
    return lines


def _time(one: TimeJudged) -> str:
    return (
        f"  {one.unit}  CPU {units.seconds(one.baseline)} → {units.seconds(one.current)}"
        f"  {units.change(one.change)} ({units.change(one.low)} to {units.change(one.high)}), {one.pairs} pairs: {one.status}"
    )


def _count(one: CountJudged) -> str:
    per = "" if one.key.unit == WHOLE else " per request"
    return f"  {one.key.unit}  {one.key.what} {one.baseline:.4g} → {one.current:.4g}{per}"


def _notes(verdict: Verdict) -> list[str]:
    return [f"  note: {note}" for note in verdict.notes]
