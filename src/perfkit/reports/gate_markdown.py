"""Reports room: a verdict as one pull-request comment in GitHub-flavoured Markdown. A verdict comes in; at most 65,536 characters
go out (the limit of a comment), first the hidden marker by which it is found again. What does not fit is left out and counted."""

from __future__ import annotations

import shlex
from math import inf, isfinite

from perfkit.model.gate import Breach, CountJudged, TimeJudged, Verdict, unit_noun
from perfkit.reports import phrases
from perfkit.reports.gate_github import cut
from perfkit.reports.interface import RenderOptions
from perfkit.reports.markdown import LIMIT, UNKNOWN, code, sentence, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

MARKER = "<!-- perfkit-gate -->"
TOP = 3  # breaches that are explained; all of them are in the table
_FACTS = 20  # lines of what is undecided, new, gone or noted
_NAME, _PROSE = 120, 400  # characters before they are escaped, which makes five of one at most
_RESERVE = 1500  # characters: what stands around the rows
_RULE = "|---|--:|--:|--:|--:|"


class _Row:
    """What is known of one unit."""

    def __init__(self, unit: str, verdict: Verdict) -> None:
        self.unit = unit
        self.failed = any(breach.unit == unit for breach in verdict.breaches)
        self.undecided = any(one.unit == unit for one in verdict.undecided)
        self.time = next((one for one in verdict.times if (one.unit, one.clock) == (unit, "cpu")), None)
        self.counts = [one for one in verdict.counts if one.key.unit == unit and not one.key.name]
        statuses = {one.status for one in self.counts if one.key.what != "calls"} | {
            self.time.status if self.time else "same"
        }
        self.unchanged = statuses == {"same"} and not (self.failed or self.undecided)

    def __str__(self) -> str:
        icon = "❌" if self.failed else "❔" if self.undecided else "✅"
        name = code(cut(self.unit, _NAME)).replace(
            "|", "\\|"
        )  # in a table a pipe ends the cell, in a code span as well
        queries = next((_queries(one) for one in self.counts if one.key.what == "queries"), UNKNOWN)
        return f"| {' | '.join([f'{icon} {name}', *_times(self.time), queries])} |"


def render(verdict: Verdict, options: RenderOptions) -> str:
    names = [breach.unit for breach in verdict.breaches] + [one.unit for one in verdict.undecided]
    names += [*verdict.units, *(one.unit for one in verdict.times), *(one.key.unit for one in verdict.counts)]
    rows = [_Row(unit, verdict) for unit in dict.fromkeys(names)]
    opening = "\n".join([MARKER, *_heading(verdict, len(rows)), *_facts(verdict)])
    changed, room = _table([row for row in rows if not row.unchanged], verdict, LIMIT - _RESERVE - len(opening))
    steady = [row for row in rows if row.unchanged]
    unchanged, _ = _table(steady, verdict, room)
    summary = (
        f"<details><summary>{units.plural(len(steady), unit_noun(verdict.units))} unchanged{_noise(steady)}</summary>\n"
    )
    return "\n".join([opening, *changed, *([summary, *unchanged, "</details>"] if steady else [])]) + "\n"


def _heading(verdict: Verdict, judged: int) -> list[str]:
    if verdict.answer == "pass":
        return [f"### ✅ perfkit: {units.plural(judged, unit_noun(verdict.units))} within budget", ""]
    if verdict.answer == "inconclusive":
        return ["### ❔ perfkit: nothing is shown to be slower, and not all could be shown not to be", ""]
    lines: list[str] = []
    for number, breach in enumerate(verdict.breaches[:TOP]):
        start = "#### ❌ " if number else "### ❌ perfkit: "
        lines += [start + sentence(cut(breach.title, _PROSE)), *_reasons(breach, verdict.root), ""]
    left = len(verdict.breaches) - TOP
    if left > 0:
        lines += [f"And {units.plural(left, 'breach')} more, all in the JSON report.", ""]
    key = shlex.quote(verdict.breaches[0].key) if verdict.breaches else ""
    return [*lines, f"Accept on purpose: {code(cut(f'perfkit gate accept {key} --reason …', _PROSE))}", ""]


def _reasons(breach: Breach, root: str) -> list[str]:
    lines = [f"**Why** {sentence(cut(breach.why, _PROSE))}  "] if breach.why else []  # two spaces break the line
    if breach.where is not None:
        place = code(cut(Paths([root] if root else []).at(breach.where), _PROSE))
        function = f" in {code(cut(phrases.call(breach.where.function), _NAME))}" if breach.where.function else ""
        since = f", {sentence(cut(breach.since, _NAME))}" if breach.since else ""
        lines.append(f"**Where** {place}{function}{since}  ")
    return [*lines, f"**Budget** {text(breach.metric)} {sentence(cut(breach.budget, _NAME))}"]


def _facts(verdict: Verdict) -> list[str]:
    """What has no row, or needs a reason beside it."""
    reasons = [(one.unit, f"{text(one.metric)}: {sentence(cut(one.reason, _NAME))}") for one in verdict.undecided]
    lines = [f"- ❔ {code(cut(unit, _NAME))} {reason}" for unit, reason in reasons]
    lines += [f"- {code(cut(unit, _NAME))} is new: nothing to compare it with" for unit in verdict.appeared]
    lines += [f"- {code(cut(unit, _NAME))} is not there any more" for unit in verdict.vanished]
    lines += [
        f"- Accepted: {sentence(cut(one.breach.title, _PROSE))} ({sentence(cut(one.reason, _NAME))})"
        for one in verdict.accepted
    ]
    lines += [f"- Note: {sentence(cut(note, _NAME))}" for note in verdict.notes]
    more = len(lines) - _FACTS
    return [*lines[:_FACTS], *([f"- {more} more are in the JSON report"] if more > 0 else []), ""] if lines else []


def _table(rows: list[_Row], verdict: Verdict, room: int) -> tuple[list[str], int]:
    """The rows that fit, and the room that is left. Times are of the processor."""
    lines = [f"| Endpoint | {text(cut(verdict.baseline, 40))} | this branch | CPU change | queries/req |", _RULE]
    for number, row in enumerate(rows):
        line = str(row)
        room -= len(line) + 1
        if room < 0:
            left = f"{units.plural(len(rows) - number, unit_noun(verdict.units))} did not fit; the JSON report has all."
            return [*lines, "", left, ""], 0
        lines.append(line)
    return [*lines, ""] if rows else [], room


def _times(one: TimeJudged | None) -> list[str]:
    if one is None:
        return [UNKNOWN] * 3
    sides = [units.seconds(value) if isfinite(value) else UNKNOWN for value in (one.baseline, one.current)]
    return [*sides, units.change(one.change) if isfinite(one.change) else UNKNOWN]


def _queries(one: CountJudged) -> str:
    sides = " → ".join(dict.fromkeys(f"{value:.4g}" for value in (one.baseline, one.current)))
    return f"{sides}, flaky" if one.status == "flaky" else sides


def _noise(rows: list[_Row]) -> str:
    """How large a slowdown would have had to be for all of them to show it."""
    sees = max((row.time.sees if row.time else inf for row in rows), default=inf)
    return f" (slowdowns of {units.share(sees)} or more would have been seen)" if isfinite(sees) else ""
