"""What a test is told that did more than it may: each statement, how often it ran, and from which line."""

from __future__ import annotations

from collections.abc import Sequence

from perfkit.model.in_test import Above, Happened, StatementRuns
from perfkit.reports.relative import Paths
from perfkit.shared.units import plural

_MOST = 20
_LONGEST = 200


def told(above: Sequence[Above], happened: Happened, root: str) -> str:
    """Statements have no literals: what they hold stays in the test."""
    paths = Paths((root,))
    lines = [f"{_counted(one)}, and {one.allowed} {'is' if one.allowed == 1 else 'are'} allowed" for one in above]
    lines += [_statement(one, paths) for one in happened.statements[:_MOST]]
    left = len(happened.statements) - _MOST
    return "\n".join([*lines, *([f"  and {plural(left, 'more statement')}"] if left > 0 else [])])


def _counted(one: Above) -> str:
    if one.metric == "external":
        return f"{plural(one.counted, 'request')} to other services"
    noun = {"queries": "query"}.get(one.metric, one.metric.removesuffix("s"))
    return f"{one.counted} {one.metric if one.counted != 1 else noun}"


def _statement(one: StatementRuns, paths: Paths) -> str:
    text = " ".join(one.text.split())
    rows = f", {plural(one.rows, 'row')}" if one.rows else ""
    where = f"\n         {paths.at(one.where)}  {one.where.function}()" if one.where is not None else ""
    return f"  {one.times:4d} × {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}{rows}{where}"
