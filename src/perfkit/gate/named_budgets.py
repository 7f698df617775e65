"""Budgets of one function, statement or host: which of those that were counted they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from perfkit.model.gate import Budget, Counted, CountKey
from perfkit.shared import sqltext

# What can be limited for one function, statement or host: how its key begins, the metric, and as what it is counted.
NAMED: Final[Mapping[str, tuple[str, Counted]]] = {
    "fn": ("calls", "call"),
    "sql": ("queries", "statement"),
    "host": ("external", "host"),
}


def of_names(budgets: Iterable[Budget], keys: Iterable[CountKey]) -> dict[tuple[Counted, str], Budget]:
    """The limit of each function, statement and host that has one, by what it is counted as. What is named as it is goes before
    patterns; else the last one decides."""
    limits = [budget for budget in budgets if budget.of]
    names: dict[str, set[str]] = {}
    for key in keys if limits else ():
        names.setdefault(key.what, set()).add(key.name)
    found: dict[tuple[Counted, str], tuple[bool, Budget]] = {}
    for budget in limits:
        what = _counted_as(budget)
        exact, matched = _named(budget, names.get(what, ()))
        for name in matched:
            if exact or not found.get((what, name), (False, budget))[0]:
                found[what, name] = exact, budget
    return {named: budget for named, (_, budget) in found.items()}


def _counted_as(budget: Budget) -> Counted:
    return next(what for metric, what in NAMED.values() if metric == budget.metric)


def _named(budget: Budget, names: Iterable[str]) -> tuple[bool, list[str]]:
    """Whether it names what there is, letter by letter, and what it fits: a statement has a `*` and a `?` of its own."""
    spelled = _spelled if budget.metric == "queries" else str
    wanted = spelled(budget.of)
    exact = [name for name in names if spelled(name) == wanted]
    return bool(exact), exact or [name for name in names if fnmatchcase(spelled(name), wanted)]


@lru_cache(maxsize=4096)
def _spelled(statement: str) -> str:
    """However it is written: in which case, with which spaces, `%s` or `?`."""
    return sqltext.fingerprint(statement)


def nearest(budget: Budget, keys: Iterable[CountKey]) -> str:
    from difflib import get_close_matches

    names = sorted({key.name for key in keys if key.what == _counted_as(budget)})
    near = get_close_matches(budget.of, names, n=1, cutoff=0.3)
    return f"the nearest is {near[0]}" if near else f"counted were {len(names)} of its kind"
