"""HTML report: findings come in, an article each goes out, with every field; the first one is open."""

from __future__ import annotations

from perfkit.model.finding import Advice, Evidence, Finding, Inside
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.html.markup import code, definitions, section, sentence, text
from perfkit.reports.relative import Paths
from perfkit.shared import units

MARKS = {"high": "▲", "medium": "■", "low": "●", "info": "·"}


def findings(report: Report, paths: Paths) -> str:
    word = phrases.time_word(report.analysis)
    articles = [article(finding, word, paths, opened=i == 0) for i, finding in enumerate(report.findings)]
    return section("findings", "Findings", *articles, _checked(report), _silenced(report, paths))


def article(finding: Finding, word: str, paths: Paths, *, opened: bool) -> str:
    """`word` says what shares are of."""
    severity = finding.severity
    price = f"{text(phrases.cost(finding))} · {units.share(finding.cost.share)}"
    summary = (
        f'<summary><span class="mark {severity}" aria-hidden="true">{MARKS[severity]}</span>'
        f'<h3><span class="unseen">{finding.rank}, {severity}: </span>{sentence(finding.title)}</h3>'
        f'<span class="price {severity}">{price}</span></summary>'
    )
    rows = [
        ("Where", _where(finding, paths)),
        ("Inside", _inside(finding.inside, paths)),
        ("Evidence", _evidence(finding, paths)),
        ("Fix", _fix(finding.advice)),
        ("Expect", _expect(finding)),
        ("Cost", _cost(finding, word)),
        ("Confidence", _confidence(finding)),
        ("See", f"{code(f'perfkit rule {finding.rule}')} · {code(finding.key)}"),
    ]
    state = " open" if opened else ""
    return f'<article class="finding"><details{state}>{summary}\n{definitions(rows)}\n</details></article>'


def _where(finding: Finding, paths: Paths) -> str:
    where = finding.where
    place = f"{code(paths.at(where))} in {code(phrases.call(where.function))}" if where else ""
    endpoint = f"serving {code(finding.endpoint)}" if finding.endpoint else ""
    return ", ".join(part for part in (place, endpoint) if part)


def _inside(inside: Inside | None, paths: Paths) -> str:
    if inside is None:
        return ""
    package = " ".join(part for part in (inside.distribution, inside.version) if part)
    origin = f", {text(package)}" if package else ""
    return f"{code(phrases.call(inside.function))} at {code(f'{paths.short(inside.file)}:{inside.line}')}{origin}"


def _evidence(finding: Finding, paths: Paths) -> str:
    items = [_claim(item, finding, paths) for item in finding.evidence]
    if len(items) < 2:
        return "".join(items)
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _claim(item: Evidence, finding: Finding, paths: Paths) -> str:
    at = f" {code(paths.at(item.where))}" if item.where and item.where != finding.where else ""
    return sentence(phrases.evidence(item)) + at


def _fix(advice: Advice) -> str:
    lines = "".join(f"{_diff_line(line)}\n" for line in (advice.diff or "").splitlines())
    diff = f'<pre tabindex="0" role="group" aria-label="Suggested change"><code>{lines}</code></pre>' if lines else ""
    return f"{sentence(advice.text)}{diff}"


def _diff_line(line: str) -> str:
    tag = {"-": "del", "+": "ins"}.get(line[:1], "span")
    return f"<{tag}>{text(line)}</{tag}>"


def _expect(finding: Finding) -> str:
    saving = phrases.saving(finding)
    return f"{text(saving)}, {finding.expected.basis}" if saving and finding.expected else ""


def _cost(finding: Finding, word: str) -> str:
    cost = finding.cost
    interval = f"{units.seconds(cost.low)} to {units.seconds(cost.high)}"
    total = f"{units.seconds(cost.seconds)} in all, {units.share(cost.share)} of {word}"
    exact = cost.low == cost.high
    return f"{total}; {cost.basis}." if exact else f"{total}; {cost.basis}, 95% interval {interval}."


def _confidence(finding: Finding) -> str:
    return f"{finding.confidence.level.capitalize()}. {text(finding.confidence.why)}"


def _checked(report: Report) -> str:
    clean = [check.rule for check in report.checks if check.status == "clean"]
    missed = phrases.unchecked(report)
    parts = [f"Checked and clean ({len(clean)}): {text(', '.join(clean))}."] if clean else []
    parts += [f"Not checked: {text(', '.join(missed))}."] if missed else []
    return f'<p class="quiet">{" ".join(parts)}</p>' if parts else ""


def _silenced(report: Report, paths: Paths) -> str:
    if not report.silenced:
        return ""
    items = []
    for item in report.silenced:
        spot = item.finding.where
        place = f" at {code(paths.at(spot))}" if spot else ""
        until = f", until {text(item.silence.expires)}" if item.silence.expires else ""
        price = f"{text(phrases.cost(item.finding))}, {units.share(item.finding.cost.share)}"
        items.append(f"<li>{sentence(item.finding.title)}{place} ({price}): {text(item.silence.reason)}{until}</li>")
    return f"<h3>Silenced ({len(items)})</h3>\n<ul>{''.join(items)}</ul>"
