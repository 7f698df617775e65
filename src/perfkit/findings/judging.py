"""Findings room: all rules over one Analysis; Verdicts come out, each second with one owner, silences applied."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from datetime import date
from typing import Any

from perfkit.findings import RULES
from perfkit.findings.counted_calls import with_calls
from perfkit.findings.counted_lines import with_lines
from perfkit.findings.interface import Candidate, NotRunError, Rule, View
from perfkit.findings.memory_list import memory_findings
from perfkit.findings.rank import ranked, take
from perfkit.findings.sql_uses import sites
from perfkit.model.analysis import Analysis
from perfkit.model.finding import Check, Finding, MemoryFinding, Silence, Silenced, SilencedMemory, Verdicts


def judge(analysis: Analysis, silences: Sequence[Silence] = (), today: date | None = None) -> Verdicts:
    """All rules over one analysis. `explained` is the seconds that findings own, silenced ones included."""
    view = View(analysis)
    loaded = [rule for rule in map(RULES.load, RULES) if analysis.kind != "log" or getattr(rule, "reads_logs", False)]
    rules: list[Rule] = [rule() for rule in loaded if getattr(rule, "ranks", "time") == "time"]  # type: ignore[misc]
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
    memory, memory_checks = memory_findings(view, [rule() for rule in loaded if getattr(rule, "ranks", "") == "memory"])  # type: ignore[misc]
    checks.extend(memory_checks)
    today = today or date.today()
    quiet = {found.key: silence for found in memory if (silence := _silence_of(found, silences, today))}
    shown, silenced = _silence(
        with_calls(with_lines(ranked(findings), analysis.zoomed), analysis.counted), silences, today
    )
    explained = min(analysis.measured, sum(finding.cost.seconds for finding in findings))
    used = {found.silence for found in silenced} | set(quiet.values())
    return Verdicts(
        ranked(shown),
        silenced,
        tuple(checks),
        explained,
        _remarks(silences, used, today),
        sites(view),
        tuple(found for found in memory if found.key not in quiet),
        tuple(SilencedMemory(found, quiet[found.key]) for found in memory if found.key in quiet),
    )


def _remarks(silences: Sequence[Silence], used: set[Silence], today: date) -> tuple[str, ...]:
    """Silences that silence nothing, and why: a forgotten one would hide the next finding."""
    remarks = []
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
        silence = _silence_of(finding, silences, today)
        if silence is None:
            shown.append(finding)
        else:
            silenced.append(Silenced(finding, silence))
    return tuple(shown), tuple(silenced)


def _silence_of(finding: Finding | MemoryFinding, silences: Sequence[Silence], today: date) -> Silence | None:
    return next((silence for silence in silences if _applies(silence, finding, today)), None)


def _applies(silence: Silence, finding: Finding | MemoryFinding, today: date) -> bool:
    if _expired(silence, today):
        return False
    if silence.rule not in ("*", finding.rule):
        return False
    inside = finding.inside if isinstance(finding, Finding) else None
    spots: list[Any] = [spot for spot in (finding.where, inside) if spot is not None]
    names = [name for spot in spots for name in (spot.file, spot.function, f"{spot.file}:{spot.function}")]
    return any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in (silence.place, f"*/{silence.place}")
    )
