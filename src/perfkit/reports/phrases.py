"""Reports room: values of a report come in, the short phrases that several formats share go out, unescaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfkit.model.analysis import Analysis, EndpointTime, FunctionTime
from perfkit.model.finding import Evidence, Finding, MemoryFinding
from perfkit.model.recording import Gap
from perfkit.model.report import Report
from perfkit.reports import labels
from perfkit.reports.queries import queries
from perfkit.reports.relative import Paths
from perfkit.shared import sqltext, units

FEW = 4
TITLE = 60  # characters of a statement in a sentence
_PROCESS = re.compile(r"process (\d+).*$", re.DOTALL)
_BRACKETS = re.compile(r"\s*\([^()]*\)")


def cost(finding: Finding) -> str:
    """`37.9 ms/req`, or `1.2 s` where no request was counted."""
    per_request = finding.cost.per_request
    return units.seconds(finding.cost.seconds) if per_request is None else f"{units.seconds(per_request)}/req"


def time_word(analysis: Analysis) -> str:
    """What a share is a share of."""
    return {"request-seconds": "request time", "wall seconds": "wall time"}.get(analysis.unit, "database time")


def saving(finding: Finding) -> str | None:
    """`−35 to −38 ms/req`: the expected range in the currency of `cost`."""
    if finding.expected is None:
        return None
    factor, suffix = 1.0, ""
    if finding.cost.per_request is not None and finding.cost.seconds > 0:
        factor, suffix = finding.cost.per_request / finding.cost.seconds, "/req"
    low, high = sorted(max(0.0, bound) * factor for bound in (finding.expected.low, finding.expected.high))
    scale, unit = (1.0, "s") if high >= 1 else (1000.0, "ms")
    small, large = _digits(low * scale), _digits(high * scale)
    if small == large:
        return f"−{large} {unit}{suffix}"
    if small == "0":
        return f"up to −{large} {unit}{suffix}"
    return f"−{small} to −{large} {unit}{suffix}"


def _digits(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def call(function: str) -> str:
    """`orders()`; `<module>` and other code that nobody calls stays as it is."""
    return function if function.endswith((">", ")")) or not function else f"{function}()"


def evidence(item: Evidence) -> str:
    """The claim as a sentence. A claim that ends in a full stop or carries its own number is whole already."""
    claim, number = item.claim.strip(), amount(item.value, item.unit)
    if not claim.endswith(".") and number not in claim and f"{item.value}" not in claim:
        claim = f"{claim}: {number}"
    if item.n is not None and units.count(item.n) not in claim and str(item.n) not in claim:
        claim = f"{claim.rstrip('.')} (n = {units.count(item.n)})"
    return claim if claim.endswith((".", "!", "?")) else f"{claim}."


def amount(value: float | int | str, unit: str) -> str:
    """A number with its unit: seconds, shares and bytes as everywhere else, other units behind the number."""
    if isinstance(value, str):
        return f"{value} {unit}".strip()
    if unit in ("s", "seconds"):
        return units.seconds(value)
    if unit in ("share", "ratio"):
        return units.share(value)
    if unit in ("B", "bytes"):
        return units.size(value)
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{number}%" if unit == "%" else f"{number} {unit}".strip()


def explained(report: Report) -> float | None:
    """Share of the measured seconds that findings own, None where nothing was measured."""
    accounting = report.accounting
    return accounting.explained / accounting.measured if accounting.measured > 0 else None


def confidence(finding: Finding | MemoryFinding) -> str:
    """How sure the cause is, in words that the severity cannot be taken for."""
    return f"confidence {finding.confidence.level}"


def endpoint_groups(analysis: Analysis) -> list[tuple[str, list[EndpointTime]]]:
    """What routes took inside, what clients saw and what was sampled are different seconds, so they never share a table.
    Largest first."""
    ordered = sorted(analysis.endpoints, key=lambda endpoint: -endpoint.seconds)
    groups = [
        ("Routes, timed inside", "probe"),
        ("Seen by clients", "load"),
        ("Handlers", "samples"),
        ("Tests", "test"),
    ]
    found = [(title, [endpoint for endpoint in ordered if endpoint.source == source]) for title, source in groups]
    return [(title, members) for title, members in found if members]


def unchecked(report: Report) -> list[str]:
    """`n-plus-one and 3 more (no SQL was recorded)` per reason, then gaps as `what (remedy)`."""
    rules: dict[str, list[str]] = {}
    for check in report.checks:
        if check.status == "not_run":
            rules.setdefault(_short(check.reason or ""), []).append(check.rule)
    items = [_first_of(names) + (f" ({reason})" if reason else "") for reason, names in rules.items()]
    for gap in gaps(report):
        reason = _short(gap.remedy) or _short(gap.why)
        items.append(_clause(gap.what) + (f" ({reason})" if reason else ""))
    return items


def _first_of(names: list[str]) -> str:
    """The table of checks has all of them."""
    return ", ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"


def gaps(report: Report) -> list[Gap]:
    """One for each reason: eight workers without samples are one line, with the first few of their numbers."""
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in dict.fromkeys(report.gaps):
        groups.setdefault((_of_any(gap.why, gap), _of_any(gap.remedy, gap)), []).append(gap)
    return [
        members[0] if len(members) == 1 else Gap(_together([gap.what for gap in members]), *reason)
        for reason, members in groups.items()
    ]


def _of_any(text: str, gap: Gap) -> str:
    """A reason or a remedy that names the gap's own process, as it holds for all of them."""
    found = _PROCESS.search(gap.what)
    return re.sub(rf"\b{found[1]}\b", "PID", text) if found else text


def _together(whats: list[str]) -> str:
    """What is missing of several processes is said once; different things stand side by side."""
    said: dict[str, None] = {}
    by_process: dict[str, list[str]] = {}
    for what in whats:
        found = _PROCESS.search(what)
        if found:
            by_process.setdefault(what[: found.start()], []).append(found[1])
        else:
            said[_clause(what)] = None
    for start, pids in by_process.items():
        said[f"{start}{units.plural(len(pids), 'process')} ({_few(pids)})"] = None
    return _few(list(said))


def _few(names: Sequence[str]) -> str:
    rest = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {rest} more" if rest > 0 else "")


def _short(reason: str) -> str:
    """A reason that is to stand in brackets, without brackets of its own."""
    return _clause(_BRACKETS.sub("", reason)) or _clause(reason)


def _clause(sentence: str) -> str:
    return sentence.strip().rstrip(".")


def checks_ran(report: Report) -> str:
    """`14 checks ran, 3 did not (memory, plans, locks).`"""
    missed = [check.rule for check in report.checks if check.status == "not_run"]
    ran = f"{units.plural(len(report.checks) - len(missed), 'check')} ran"
    return f"{ran}, {len(missed)} did not ({', '.join(missed)})." if missed else f"{ran}."


def nothing_found(report: Report, paths: Paths) -> list[str]:
    """The sentences that stand in place of findings, so that an empty list cannot be read as an empty measurement."""
    sentences = [f"No finding above 1% of {time_word(report.analysis)}. {checks_ran(report)}"]
    largest = _largest(report.analysis, paths) if report.analysis.measured > 0 else None
    return [*sentences, f"Largest single cost: {largest}."] if largest else sentences


def _largest(analysis: Analysis, paths: Paths) -> str | None:
    """A function by its own time, a statement over all places, or what else the probe timed."""
    function = max(labels.functions(analysis), key=_self_seconds, default=None)
    query = next(iter(queries(analysis)), None)
    span = labels.largest_span(analysis)
    own = function.self_seconds if function else 0.0
    if query is not None and query.total >= max(own, span[2] if span else 0.0):
        title = sqltext.shortened(query.fingerprint, TITLE, query.system)
        at = f" from {paths.at(query.where)}" if query.where else ""
        return f"the statement {title}{at}, {units.share(query.share)} of {time_word(analysis)}"
    if span is not None and span[2] > own:
        return f"{span[0]}, {units.share(span[2] / analysis.measured)} of {time_word(analysis)}"
    if function is None:
        return None
    place = f"{function.function} in {paths.short(function.file)}:{function.line}"
    return f"{place}, {units.share(own / analysis.measured)} self time"


def _self_seconds(function: FunctionTime) -> float:
    return function.self_seconds


def top_functions(analysis: Analysis, n: int) -> Sequence[FunctionTime]:
    """The first `n` that have self time; equal times keep the order of the analysis."""
    spending = (function for function in labels.functions(analysis) if function.self_seconds > 0)
    return sorted(spending, key=_self_seconds, reverse=True)[:n]
