"""Reports room: breaches of the last verdict at length, for the terminal: the numbers, what grew, and the lines that changed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from perfkit.model.gate import Breach, CountJudged, Verdict
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units

_MOST = 10


def render(verdict: Verdict, breaches: Sequence[tuple[Breach, Sequence[str]]], options: RenderOptions) -> str:
    paths = Paths((verdict.root,))
    clean = visible if options.unicode else ascii_only
    lines: list[str] = []
    for breach, hunk in breaches:
        lines += [*([""] if lines else []), *_breach(breach, hunk, verdict, paths)]
    return "".join(clean(line) + "\n" for line in lines)


def _breach(breach: Breach, hunk: Sequence[str], verdict: Verdict, paths: Paths) -> list[str]:
    lines = [
        breach.title,
        f"  compared  {verdict.current} with {verdict.baseline}",
        f"  budget    {breach.metric} {breach.budget}",
    ]
    lines += _interval(breach, verdict)
    if breach.why:
        lines.append(f"  why       {breach.why}")
    if breach.where is not None:
        since = f", {breach.since}" if breach.since else ""
        function = f" {breach.where.function}()" if breach.where.function else ""
        lines.append(f"  where     {paths.at(breach.where)}{function}{since}")
    lines += [f"    {line}" for line in hunk]
    grown = [one for one in verdict.counts if one.key.unit == breach.unit and one.current > one.baseline]
    named = sorted((one for one in grown if one.key.name), key=lambda one: one.baseline - one.current)
    lines += _grown("grown", [*(one for one in grown if not one.key.name), *named])
    lines.append(f'  accept    perfkit gate accept {shlex.quote(breach.key)} --reason "…"')
    return lines


def _interval(breach: Breach, verdict: Verdict) -> list[str]:
    for one in verdict.times:
        if (one.unit, one.clock) == (breach.unit, breach.metric):
            between = f"between {units.change(one.low)} and {units.change(one.high)} (95%)"
            return [f"  measured  {units.change(one.change)}, {between}, in {one.pairs} pairs of turns"]
    return []


def _grown(title: str, counts: Sequence[CountJudged]) -> list[str]:
    lines = [f"  {title}     per request"] if counts else []
    for one in counts[:_MOST]:
        name = f" {' '.join(one.key.name.split())}" if one.key.name else ""
        flaky = ", flaky" if one.status == "flaky" else ""
        lines.append(f"    {one.baseline:.4g} → {one.current:.4g}  {one.key.what}{name}{flaky}")
    if len(counts) > _MOST:
        lines.append(f"    and {len(counts) - _MOST} more")
    return lines
