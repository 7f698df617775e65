"""Findings room: all rules over one Analysis; Verdicts come out, each second with one owner, silences applied."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from datetime import date
from typing import Any

from perfkit.findings import RULES
from perfkit.findings.interface import Candidate, NotRunError, View
from perfkit.findings.rank import ranked, take
from perfkit.model.analysis import Analysis
from perfkit.model.finding import Check, Finding, Silence, Silenced, Verdicts


def judge(analysis: Analysis, silences: Sequence[Silence] = (), today: date | None = None) -> Verdicts:
    """All rules over one analysis. `explained` is the seconds that findings own, silenced ones included."""
    view = View(analysis)
    rules = [RULES.load(name)() for name in RULES]
    findings: list[Finding] = []
    checks: list[Check] = []
    for last_resort in (False, True):
        candidates: list[Candidate] = []
        reasons: dict[str, str] = {}
        group = [rule for rule in rules if rule.last_resort is last_resort]
        for rule in group:
            try:
                candidates.extend(rule.check(view))
            except NotRunError as error:
                reasons[rule.name] = str(error)
        taken = take(view, candidates)
        findings.extend(taken)
        checks.extend(_check(rule.name, taken, reasons) for rule in group)
    shown, silenced = _silence(ranked(findings), silences, today or date.today())
    explained = min(analysis.measured, sum(finding.cost.seconds for finding in findings))
    return Verdicts(shown, silenced, tuple(checks), explained)


def _check(name: str, taken: Sequence[Finding], reasons: dict[str, str]) -> Check:
    if name in reasons:
        return Check(name, "not_run", reasons[name])
    return Check(name, "found" if any(finding.rule == name for finding in taken) else "clean")


def _silence(
    findings: tuple[Finding, ...], silences: Sequence[Silence], today: date
) -> tuple[tuple[Finding, ...], tuple[Silenced, ...]]:
    shown: list[Finding] = []
    silenced: list[Silenced] = []
    for finding in findings:
        silence = next((s for s in silences if _applies(s, finding, today)), None)
        if silence is None:
            shown.append(finding)
        else:
            silenced.append(Silenced(finding, silence))
    return tuple(shown), tuple(silenced)


def _applies(silence: Silence, finding: Finding, today: date) -> bool:
    if silence.expires is not None and date.fromisoformat(silence.expires) < today:
        return False
    if silence.rule not in ("*", finding.rule):
        return False
    spots: list[Any] = [spot for spot in (finding.where, finding.inside) if spot is not None]
    names = [name for spot in spots for name in (spot.file, spot.function, f"{spot.file}:{spot.function}")]
    return any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in (silence.place, f"*/{silence.place}")
    )
