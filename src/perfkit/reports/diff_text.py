"""Reports room: what changed between two recordings, as text: endpoints, functions, statements, findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from perfkit.model.analysis import EndpointTime
from perfkit.model.difference import Difference, StatementChange
from perfkit.model.finding import Finding
from perfkit.model.gate import FunctionChange
from perfkit.model.recording import Run
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import ascii_only, visible
from perfkit.shared import units

_MOST = 12


def render(difference: Difference, options: RenderOptions) -> str:
    paths = Paths((*difference.after.project, *difference.before.project))
    clean = visible if options.unicode else ascii_only
    return "".join(clean(line) + "\n" for line in _lines(difference, paths))


def _lines(difference: Difference, paths: Paths) -> Iterator[str]:
    yield f"before  {_run(difference.before)}"
    yield f"after   {_run(difference.after)}"
    yield from _part("Endpoints", [_endpoint(*pair) for pair in difference.endpoints], "none")
    yield from _part(
        "Functions", [_function(one, paths) for one in difference.functions], "none changed by more than chance"
    )
    if difference.within_noise:
        yield f"  {units.plural(difference.within_noise, 'other function')}: no change larger than chance"
    yield from _part("Statements", [_statement(one, paths) for one in difference.statements], "the same, as often")
    yield from _part("New findings", [_finding(one, paths) for one in difference.appeared], "none")
    yield from _part("Findings gone", [_finding(one, paths) for one in difference.gone], "none")
    yield ""
    yield from (f"note: {note}" for note in difference.notes)


def _part(title: str, lines: list[str], nothing: str) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines[:_MOST])
    if len(lines) > _MOST:
        yield f"  and {len(lines) - _MOST} more: --format json has all"
    if not lines:
        yield f"  {nothing}"


def _run(run: Run) -> str:
    moment = datetime.fromtimestamp(run.started).strftime("%Y-%m-%d %H:%M")
    commit = f", commit {run.commit}" if run.commit else ""
    return f"{run.command}  ({moment}{commit})"


def _endpoint(before: EndpointTime | None, after: EndpointTime | None) -> str:
    if before is None or after is None:
        known = after or before
        return f"{known.endpoint if known else ''}  {'is new' if before is None else 'is not there any more'}"
    parts = [f"{before.endpoint}{' for clients' if before.source == 'load' else ''}"]
    if before.p50 and after.p50:
        parts.append(
            f"p50 {units.seconds(before.p50)} → {units.seconds(after.p50)} ({units.change(after.p50 / before.p50 - 1)})"
        )
    if before.queries_per_request is not None and after.queries_per_request is not None:
        parts.append(f"queries/req {before.queries_per_request:.3g} → {after.queries_per_request:.3g}")
    return "  ".join(parts)


def _function(one: FunctionChange, paths: Paths) -> str:
    place = f"  {paths.at(one.where)}" if one.where is not None else f"  {one.file}"
    times = f"{units.seconds(one.baseline)} → {units.seconds(one.current)}"
    sign = "+" if one.current > one.baseline else "−"
    return f"{sign}{units.seconds(abs(one.current - one.baseline))}  {one.function}  {times}{place}"


def _statement(one: StatementChange, paths: Paths) -> str:
    where = f"  {paths.at(one.where)}" if one.where is not None else ""
    text = " ".join(one.text.split())
    unit = f"{one.endpoint}  " if one.endpoint is not None else ""
    return f"{unit}{one.baseline:.4g} → {one.current:.4g}  {text if len(text) < 100 else text[:99] + '…'}{where}"


def _finding(one: Finding, paths: Paths) -> str:
    place = f"  {paths.at(one.where)}" if one.where is not None else ""
    return f"{one.severity}  {one.title}{place}"
