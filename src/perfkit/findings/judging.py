"""Findings room: all rules over one Analysis; Verdicts come out, each second with one owner, silences applied."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from datetime import date
from typing import Any

from perfkit.findings import RULES
from perfkit.findings.interface import Candidate, NotRunError, View
from perfkit.findings.rank import ranked, take
from perfkit.findings.sql_uses import sites
from perfkit.model.analysis import Analysis
from perfkit.model.finding import Check, Finding, Silence, Silenced, Verdicts


def judge(analysis: Analysis, silences: Sequence[Silence] = (), today: date | None = None) -> Verdicts:
    """All rules over one analysis. `explained` is the seconds that findings own, silenced ones included."""
    view = View(analysis)
    rules = [rule() for rule in map(RULES.load, RULES) if analysis.kind != "log" or getattr(rule, "reads_logs", False)]
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
    today = today or date.today()
    shown, silenced = _silence(ranked(findings), silences, today)
    explained = min(analysis.measured, sum(finding.cost.seconds for finding in findings))
    return Verdicts(ranked(shown), silenced, tuple(checks), explained, _remarks(silences, silenced, today), sites(view))


def _remarks(silences: Sequence[Silence], silenced: Sequence[Silenced], today: date) -> tuple[str, ...]:
    """Silences that silence nothing, and why: a forgotten one would hide the next finding."""
    remarks = []
    used = {found.silence for found in silenced}
    for silence in silences:
        name = f"The silence of {silence.rule} at {silence.place}"
        if _expired(silence, today):
            remarks.append(f"{name} expired on {silence.expires}.")
        elif silence not in used:
            remarks.append(f"{name} fits no finding of this run.")
    return tuple(remarks)


def _expired(silence: Silence, today: date) -> bool:
    return silence.expires is not None and date.fromisoformat(silence.expires) < today


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
    if _expired(silence, today):
        return False
    if silence.rule not in ("*", finding.rule):
        return False
    spots: list[Any] = [spot for spot in (finding.where, finding.inside) if spot is not None]
    names = [name for spot in spots for name in (spot.file, spot.function, f"{spot.file}:{spot.function}")]
    return any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in (silence.place, f"*/{silence.place}")
    )
