"""HTML report: a gate's verdict comes in, its sections go out: the answer, breaches, what is undecided, times, counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from perfkit.model.gate import WHOLE, Breach, CountJudged, TimeJudged, Verdict
from perfkit.reports import phrases
from perfkit.reports.brief import UNKNOWN
from perfkit.reports.html.changes import bar, moved
from perfkit.reports.html.markup import Column, code, definitions, section, sentence, table, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

ROWS = 200
OPEN = 3
_LONGEST = 300  # characters of what a stranger names: a statement, an endpoint, a title
_MARKS = {"pass": "✓", "fail": "▲", "inconclusive": "?"}
_TIMES = {"slower": 0, "unknown": 1, "faster": 2, "same": 3}
_WORDS = {"slower": "▲ slower", "faster": "▼ faster", "same": "= same", "unknown": "? unknown"}
_KINDS = {"slower": "slower", "faster": "faster", "same": "within", "unknown": "within"}
_WIDEST = 1.0  # a bar reaches from half to twice the time at most; what is beyond is in the numbers


def header(verdict: Verdict) -> str:
    said = f'<span aria-hidden="true">{_MARKS[verdict.answer]} </span>{verdict.answer.upper()}'
    return (
        f'<header>\n<p class="quiet">perfkit gate · baseline {text(short(verdict.baseline))} · '
        f"current {text(short(verdict.current))}</p>\n"
        f'<p class="verdict verdict-{verdict.answer}">{said}</p>\n<h1>{sentence(headline(verdict))}</h1>\n'
        f"<p>{_lead(verdict)}</p>\n</header>"
    )


def headline(verdict: Verdict) -> str:
    if verdict.breaches:
        more = len(verdict.breaches) - 1
        return short(verdict.breaches[0].title) + (f", and {units.plural(more, 'breach')} more" if more else "")
    if verdict.answer == "inconclusive":
        return "Nothing is shown to be slower, and not all could be shown not to be"
    one = verdict.units == (WHOLE,)
    return "Within budget" if one else f"{units.plural(len(verdict.units), 'endpoint')} within budget"


def _lead(verdict: Verdict) -> str:
    cpu = [one for one in verdict.times if one.clock == "cpu" and isfinite(one.change)]
    if not cpu:
        return "Times were not compared."
    worst = max(cpu, key=lambda one: one.change)
    return (
        f"Largest change of CPU time: {code(short(worst.unit))} <strong>{text(_change(worst.change))}</strong>, "
        f"between {text(_change(worst.low))} and {text(_change(worst.high))}."
    )


def breaches(verdict: Verdict, paths: Paths) -> str:
    shown = [_breach(one, paths, opened=number < OPEN) for number, one in enumerate(verdict.breaches[:ROWS])]
    return section("breaches", "What fails", *shown, _left(len(verdict.breaches)))


def _breach(breach: Breach, paths: Paths, *, opened: bool) -> str:
    where = ""
    if breach.where is not None:
        function = f" in {code(phrases.call(breach.where.function))}" if breach.where.function else ""
        where = f"{code(paths.at(breach.where))}{function}"
    rows = [
        ("Why", sentence(breach.why) if breach.why else ""),
        ("Where", where),
        ("Since", text(breach.since) if breach.since else ""),
        ("Budget", f"{code(breach.metric)} {text(breach.budget)}"),
        ("Endpoint", code(short(breach.unit)) if breach.unit not in (WHOLE, "*") else ""),
        ("If meant", code(f"perfkit gate accept {breach.key!r} --reason …")),
    ]
    summary = (
        '<summary><span class="mark high" aria-hidden="true">▲</span>'
        f"<h3>{sentence(short(breach.title))}</h3></summary>"
    )
    state = " open" if opened else ""
    return f'<article class="finding"><details{state}>{summary}\n{definitions(rows)}\n</details></article>'


def remarks(verdict: Verdict) -> str:
    """What has no answer, what is accepted, new or gone, and notes."""
    undecided = [
        f"{code(short(one.unit))} {text(one.metric)}: {sentence(short(one.reason))}" for one in verdict.undecided
    ]
    facts = [
        f"{sentence(short(one.breach.title))}: accepted, {sentence(short(one.reason))}" for one in verdict.accepted
    ]
    facts += [f"{code(short(unit))} is new: nothing to compare it with" for unit in verdict.appeared]
    facts += [f"{code(short(unit))} is not there any more" for unit in verdict.vanished]
    notes = " ".join(f"{sentence(short(note).rstrip('.'))}." for note in verdict.notes[:ROWS])
    return "\n".join(
        (
            section("undecided", "Without an answer", _listed(undecided)),
            section("remarks", "Beside that", _listed(facts)),
            f'<p class="care"><strong>Read with care.</strong> {notes}</p>' if notes else "",
        )
    )


def _listed(items: Sequence[str]) -> str:
    rows = "".join(f"<li>{item}</li>" for item in items[:ROWS])
    return f"<ul>{rows}</ul>{_left(len(items))}" if rows else ""


def times(verdict: Verdict) -> str:
    clocks = (("cpu", "CPU time"), ("wall", "Wall time"))
    tables = [_times(title, [one for one in verdict.times if one.clock == clock]) for clock, title in clocks]
    return section("times", "Times", *tables)


def _times(title: str, judged: Sequence[TimeJudged]) -> str:
    if not judged:
        return ""
    ordered = sorted(
        judged, key=lambda one: (_TIMES[one.status], -one.change if isfinite(one.change) else -inf, one.unit)
    )
    bounds = [abs(value) for one in judged for value in (one.change, one.low, one.high) if isfinite(value)]
    reach = min(_WIDEST, max(bounds, default=0.0))
    columns = [
        Column("Endpoint"),
        Column("Before", number=True),
        Column("After", number=True),
        Column("Change", number=True),
        Column(f"With its 95% interval, ±{units.share(reach)}"),
        Column("Between", number=True),
        Column("Result"),
        Column("Pairs", number=True),
        Column("Would have seen", number=True),
    ]
    rows = [_time(one, reach) for one in ordered[:ROWS]]
    return f"<h3>{title}</h3>\n{table(title, columns, rows)}\n{_left(len(judged))}"


def _time(one: TimeJudged, reach: float) -> list[str]:
    words = _change(one.change)
    return [
        text(short(one.unit)),
        _seconds(one.baseline),
        _seconds(one.current),
        moved(one.change, words) if one.status in ("slower", "faster") else text(words),
        bar(one.change, one.low, one.high, reach, _KINDS[one.status]),
        text(f"{_change(one.low)} … {_change(one.high)}"),
        _WORDS[one.status],
        units.count(one.pairs),
        units.change(one.sees) if isfinite(one.sees) else UNKNOWN,
    ]


def counts(verdict: Verdict, paths: Paths) -> str:
    """What moved, and what did not behind it."""
    moved_ = [one for one in verdict.counts if one.status != "same"]
    same = [one for one in verdict.counts if one.status == "same"]
    steady = _counts("The same on both sides", same, paths)
    folded = f"<details><summary>{units.count(len(same))} the same on both sides</summary>\n{steady}\n</details>"
    return section("counts", "Counts", _counts("Counts", moved_, paths), folded if same else "")


def _counts(label: str, judged: Sequence[CountJudged], paths: Paths) -> str:
    if not judged:
        return ""
    columns = [
        Column("What"),
        Column("Endpoint"),
        Column("Before", number=True),
        Column("After", number=True),
        Column("Change", number=True),
        Column("Where"),
    ]
    rows = [_count(one, paths) for one in judged[:ROWS]]
    return f"{table(label, columns, rows)}\n{_left(len(judged))}"


def _count(one: CountJudged, paths: Paths) -> list[str]:
    name = f" {code(short(one.key.name))}" if one.key.name else ""
    return [
        f"{text(one.key.what)}{name}",
        text(short(one.key.unit)),
        f"{one.baseline:,.4g}",
        f"{one.current:,.4g}",
        _moved(one),
        code(paths.at(one.where)) if one.where is not None else UNKNOWN,
    ]


def _moved(one: CountJudged) -> str:
    change = one.current - one.baseline
    if one.status == "flaky":
        return "flaky"
    return moved(change, f"{'+' if change > 0 else '−'}{abs(change):,.4g}") if change else "="


def _left(found: int) -> str:
    return f'<p class="quiet">And {found - ROWS} more, all in the JSON report.</p>' if found > ROWS else ""


def _seconds(value: float) -> str:
    return units.seconds(value) if isfinite(value) else UNKNOWN


def _change(value: float) -> str:
    return units.change(value) if isfinite(value) else UNKNOWN


def short(value: str) -> str:
    """As much of it as a reader can take in."""
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
