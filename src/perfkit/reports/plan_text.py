"""Reports room: one plan comes in; the statement, the tree of its steps and the index that would help go out, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.cells import cell_len

from perfkit.model.plan import IndexAdvice, Plan
from perfkit.reports.plans import Line, advice_facts, circumstances, tree
from perfkit.reports.visible import ascii_only, visible
from perfkit.reports.wrapping import pad, wrap
from perfkit.shared import units
from perfkit.shared.sqlformat import formatted

_BADGE = "\x1b[33m{}\x1b[0m"


def render(plan: Plan, *, color: bool = False, width: int = 90, unicode: bool = True) -> str:
    clean = visible if unicode else ascii_only
    parts = (
        ["\n".join(clean(line) for line in formatted(plan.text, plan.system, width).splitlines())] if plan.text else []
    )
    parts.append(clean(_about(plan)))
    parts.append("\n".join(_tree(plan, clean, width, color, unicode)))
    parts += ["\n".join(_advice(advice, clean, width)) for advice in plan.advice]
    parts += ["\n".join(wrap(clean(remark), width)) for remark in plan.remarks]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(plan: Plan) -> str:
    parts = [f"{plan.system} {plan.version}".strip(), *circumstances(plan)]
    if plan.planning_seconds is not None:
        parts.append(f"planning {units.seconds(plan.planning_seconds)}")
    return " · ".join(parts)


def _tree(plan: Plan, clean: Callable[[str], str], width: int, color: bool, unicode: bool) -> Iterator[str]:
    lines = tree(plan)
    owns = [f"{line.own} {units.share(line.share):>5}" if line.share is not None else line.own for line in lines]
    widest = max(map(len, owns), default=0)
    for line, own in zip(lines, owns, strict=True):
        yield from _step(line, f"{own:>{widest}}", clean, width, color, unicode)


def _step(line: Line, own: str, clean: Callable[[str], str], width: int, color: bool, unicode: bool) -> Iterator[str]:
    indent = min(2 * line.depth, width // 3)
    mark = "→ " if unicode and line.depth else "> " if line.depth else ""
    room = max(20, width - indent - cell_len(mark) - cell_len(own) - 2)
    first, *rest = wrap(clean(f"{line.what}  {line.rows}".rstrip()), room) or [""]
    yield f"{' ' * indent}{mark}{pad(first, room)}  {own}".rstrip()
    inner = " " * (indent + 2)
    yield from (inner + text for text in rest)
    for condition in line.conditions:
        yield from (inner + text for text in wrap(clean(condition), width - len(inner)))
    for badge in line.badges:
        for number, text in enumerate(wrap(clean(badge), width - len(inner) - 2)):
            shown = f"{'■ ' if unicode and not number else '* ' if not number else '  '}{text}"
            yield inner + (_BADGE.format(shown) if color else shown)


def _advice(advice: IndexAdvice, clean: Callable[[str], str], width: int) -> Iterator[str]:
    yield from wrap(clean(f"Index  {advice.ddl}"), width)
    for fact in advice_facts(advice):
        yield from ("       " + text for text in wrap(clean(fact), width - 7))
