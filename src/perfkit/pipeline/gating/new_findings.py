"""New findings: what perfkit finds in the current revision, again and again, and never in the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, get_args

from perfkit.errors import PerfkitError
from perfkit.model.finding import Finding, Severity, Silence
from perfkit.model.gate import Breach
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.sampling import sampled
from perfkit.pipeline.gating.sides import Side

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
# What is near the threshold of its rule comes and goes. It is new if it is there each time, and never on the other side.
_ROUNDS = 2


def new_findings(
    sides: tuple[Side, Side],
    least: Severity,
    silences: Sequence[Silence],
    folder: Path,
    timeout: float,
    say: Callable[[str], None],
) -> list[Breach]:
    """Those that are as severe as `least`. Raises PerfkitError (5) where a side could not be sampled."""
    from perfkit.pipeline.reporting import report_of

    before: dict[str, Finding] = {}
    after: list[dict[str, Finding]] = []
    for number in range(_ROUNDS):
        for side in sides:
            say(f"looking for findings in the {side.name}, {number + 1} of {_ROUNDS}")
            try:
                report = report_of(sampled(side, side.urls, folder, timeout), silences)
            except PerfkitError as error:
                raise PerfkitError(
                    f"the {side.name} could not be sampled: {error.message.rstrip('.')}.", error.hint, NOT_MEASURED
                ) from None
            found = {one.key: one for one in report.findings}
            if side is sides[0]:
                before.update(found)
            else:
                after.append(found)
    severe = SEVERITIES[: SEVERITIES.index(least) + 1]
    return [
        _breach(one, least)
        for key, one in after[0].items()
        if key not in before and all(key in found and found[key].severity in severe for found in after)
    ]


def _breach(finding: Finding, least: Severity) -> Breach:
    return Breach(
        unit=finding.endpoint or "*",
        metric=finding.rule,
        title=f"new: {finding.title}",
        budget=f"no new findings, {least} or worse",
        baseline=None,
        current=finding.cost.share,
        key=f"{finding.endpoint or '*'} {finding.rule} {finding.where.function if finding.where else ''}".strip(),
        why=finding.advice.text,
        where=finding.where,
    )
