"""Explain room: candidates come in, tried or not; the one or two that are worth a person's time go out, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.explain import advice_words, indexes
from perfkit.explain.advice_keys import Keys
from perfkit.explain.advice_scans import LEAST_ROWS, MOST_KEPT, Scan
from perfkit.explain.advice_trial import Trial, Tried
from perfkit.explain.advice_wanted import Candidate, either
from perfkit.model.plan import IndexAdvice, Plan

MOST: Final = 2
# An index has to take a fifth off the planner's cost, and one more beside it a fifth off what is left: below that hypothetical
# indexes, whose depth and visibility are guessed, promise what real ones do not always keep.
LEAST_GAIN: Final = 0.2
Group = tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    group: Group
    tried: Tried
    before: float | None


def tried_ones(trial: Trial, plan: Plan, wanted: Sequence[Group], merit: float, age: float | None) -> list[IndexAdvice]:
    """The best by the planner, and one on another table that helps beside it."""
    first = _best(trial, plan.root.cost, merit, (), wanted)
    if first is None:
        return []
    advice = [_advice(first, trial.name, age)]
    table = first.group[0].scan.known.name
    others = [group for group in wanted if group[0].scan.known.name != table]
    second = _best(trial, first.tried.cost, first.tried.merit, first.group, others)
    return [*advice, _advice(second, trial.name, age)] if second else advice


def together(trial: Trial, plan: Plan, found: Sequence[Scan], merit: float, age: float | None) -> list[IndexAdvice]:
    """Two indexes that answer an OR only together."""
    for pair in (pair for scan in found for pair in either(scan)):
        tried = trial.of(pair)
        if tried is not None and tried.used == len(pair) and _gains(tried, plan.root.cost, merit):
            sizes = tried.bytes or (None,) * len(pair)
            each = [replace(tried, bytes=(size,)) for size in sizes]
            return [
                _advice(_Choice((one,), its, plan.root.cost), trial.name, age)
                for one, its in zip(pair, each, strict=True)
            ]
    return []


def _gains(tried: Tried, before: float | None, merit: float) -> bool:
    if before is not None and tried.cost is not None:
        return tried.cost <= before * (1 - LEAST_GAIN)
    return tried.merit > merit


def _best(trial: Trial, before: float | None, merit: float, beside: Group, wanted: Sequence[Group]) -> _Choice | None:
    """Of nearly equal ones the smaller index; one that carries columns has to save a third more."""
    best: tuple[float, _Choice] | None = None
    for group in wanted:
        tried = trial.of((*beside, *group))
        if tried is None or tried.used <= len(beside) or not _gains(tried, before, merit):
            continue
        if tried.cost is not None:
            price = (tried.cost + 1.0) * (1 + 0.02 * len(group[0].keys)) * (1.5 if group[0].include else 1.0)
        else:
            price = 0.1 * len(group[0].keys) - tried.merit
        if best is None or price < best[0]:
            best = price, _Choice(group, tried, before)
    return best[1] if best else None


def untried_ones(wanted: Sequence[Group], age: float | None) -> list[IndexAdvice]:
    """Nothing can ask the planner: the likeliest one of each table, of those that need no proof."""
    best: dict[str, Group] = {}
    for group in wanted:
        name = group[0].scan.known.name
        if not _needs_proof(group[0]) and (name not in best or group[0].likely > best[name][0].likely):
            best[name] = group
    chosen = sorted(best.values(), key=lambda group: -sum(one.scan.examined for one in group))[:MOST]
    return [_advice(_Choice(group, Tried(0, None), None), None, age) for group in chosen]


def _needs_proof(candidate: Candidate) -> bool:
    """Whether it may well not help: by a join where nothing shows that the table is read again and again, by a function that may
    depend on settings, by carrying columns, or for a condition of which nobody knows how many rows it keeps."""
    scan = candidate.scan
    keys = Keys(scan.use, scan.known.table, scan.known.system, scan.known.version, scan.known.like_needs_class)
    if candidate.include or candidate.likely < 1 or not all(keys.is_steady(key) for key in candidate.keys):
        return True
    first = candidate.keys[0].text
    if not scan.whole and scan.examined / max(1.0, scan.node.loops) < LEAST_ROWS:
        return True
    if any(join.column == first for join in scan.use.joins) and not any(
        key.text == first for key in (*keys.equal, *keys.lists)
    ):
        inner = any(step > 0 for step in scan.path) and scan.known.system in ("mysql", "mariadb")
        return not (inner or (scan.counted and scan.node.loops >= 10))
    return scan.share is not None and scan.share > MOST_KEPT and not scan.use.limited


def _advice(choice: _Choice, verified: str | None, age: float | None) -> IndexAdvice:
    candidate = choice.group[0]
    scan = candidate.scan
    tried = choice.tried.bytes[-len(choice.group) :] or (None,)
    sizes = [advice_words.size(one) for one in choice.group] if None in tried else list(tried)
    kept = [size for size in sizes if size is not None]
    unlike = scan.known.root is not None or any(key.special for key in candidate.keys)
    return IndexAdvice(
        table=scan.known.name,
        columns=candidate.columns,
        ddl=advice_words.ddl(candidate),
        reason=advice_words.reason(candidate) + advice_words.shown(choice.tried.shown),
        verified=verified,
        cost_before=choice.before if choice.tried.cost is not None else None,
        cost_after=choice.tried.cost,
        bytes=sum(kept) if len(kept) == len(sizes) else None,
        writes=advice_words.writes(scan, age),
        replaces=() if unlike else indexes.made_redundant(scan.known.details, candidate.columns, candidate.where),
        node=scan.path,
    )
