"""Explain room: a step that reads too much comes in; why no index helps it, or why one that is there does not, goes out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from perfkit.explain.advice_keys import is_text
from perfkit.explain.advice_scans import MOST_KEPT, Scan, too_small
from perfkit.shared import units
from perfkit.shared.sqlpredicates import Comparison

_MYSQL = frozenset({"mysql", "mariadb"})
_SAME_TEXT = frozenset({"text", "bpchar", "character", "varchar"})
_INSIDE = re.compile(r"jsonb|tsvector|\[\]$")


def why_not(scan: Scan) -> Iterator[str]:
    """One line each on why no index would help here, or why one that is there does not."""
    table, use = scan.known.table, scan.use
    if too_small(scan.known, scan.examined) or not scan.whole:
        return
    leading = {
        detail.index.columns[0].strip('"`').lower(): detail.index.name
        for detail in scan.known.details
        if detail.index.columns
    }
    for comparison in use.comparisons:
        name = leading.get(comparison.column.lower())
        has = f"index {name} on {table.name} ({comparison.column}) is not used: " if name else ""
        if comparison.computes:
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is computed for each of {_rows(scan)}, compare {comparison.column} itself"
        elif comparison.expression and scan.known.system == "mariadb":
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is compared for each of {_rows(scan)}, and MariaDB indexes no expressions; compare {comparison.column} itself, or index a generated column"
        elif comparison.expression:
            yield f"{has or f'no index on {table.name} helps: '}{comparison.expression} is worked out for each of {_rows(scan)}; compare {comparison.column} itself, or index the expression if it depends on nothing else, not even on settings such as the time zone"
        elif comparison.kind == "like" and comparison.wildcard:
            yield f"{has or f'no index on {table.name} helps: '}the pattern for {comparison.column} has no fixed beginning, {_rows(scan)} are compared; a trigram or full-text index finds such patterns"
        elif comparison.kind == "equal" and (mismatch := _mismatch(scan, comparison)):
            yield f"{has or f'no index on {table.name} ({comparison.column}) would help: '}{mismatch}"
        elif comparison.kind == "other" and (column := table.column(comparison.column)) and _INSIDE.search(column.type):
            yield f"no B-tree on {table.name} helps: the condition looks inside {comparison.column} ({column.type}), of {_rows(scan)}; a GIN index finds what is inside"
    for branches in use.either:
        columns = list(dict.fromkeys(one.expression or one.column for one in branches))
        having = [leading[column.lower()] for column in columns if column.lower() in leading]
        if len(columns) > 1 and len(having) == len(columns):
            yield f"{table.name} is read whole although {' and '.join(having)} have the columns of {' OR '.join(columns)}: the planner reckons that to join what {len(having)} indexes find is not faster for {_rows(scan)}; a UNION of {len(columns)} SELECTs uses each"
        elif len(columns) > 1:
            yield f"no single index on {table.name} answers {' OR '.join(columns)}: {len(columns)} indexes, one for each, or a UNION can"
    yield from _keeps_many(scan, leading)


def _keeps_many(scan: Scan, leading: Mapping[str, str]) -> Iterator[str]:
    """Only what holds for the very values is said flatly: a share that was reckoned for any value is one of no value in particular."""
    searches = [one for one in scan.use.comparisons if _is_search(one)]
    mistyped = any(one.kind == "equal" and _mismatch(scan, one) for one in searches)
    if scan.share is None or scan.share <= MOST_KEPT or not searches or mistyped:
        return
    table = scan.known.table.name
    unsure = [one for one in searches if _is_unsure(scan, one)]
    if not unsure:
        yield f"{table} is read whole because {units.share(min(1.0, scan.share))} of its {_rows(scan)} fit the condition: an index would not be faster"
        return
    column = scan.known.table.column(unsure[0].column)
    usual = max(column.frequencies) if column is not None and column.frequencies else None
    if usual is not None and unsure[0].kind == "equal":
        said = f"the most frequent value of {unsure[0].column} is in {units.share(usual)} of its {_rows(scan)}"
    else:
        said = f"{units.share(min(1.0, scan.share))} of its {_rows(scan)} are reckoned to fit, a mean over all values"
    index = leading.get(unsure[0].column.lower())
    by = f"index {index}" if index else f"an index on {unsure[0].column}"
    if unsure[0].kind == "range":
        rare = f"a narrow range would be found faster by {by}"
    else:
        rare = f"for such a value an index would not be faster, and a rare one would be found faster by {by}"
    tells = (
        "its plan with the very values tells"
        if scan.generic
        else "statistics count the values, not how often each is there"
    )
    yield f"{table} is read whole: {said}; {rare} ({tells})"


def _is_unsure(scan: Scan, one: Comparison) -> bool:
    """Whether another value might keep far fewer rows. MySQL and SQLite count values, and not how often each is there."""
    if scan.counted or one.kind == "null":
        return False
    if scan.known.system == "postgresql" and not (scan.generic and one.literal is None):
        return False
    column = scan.known.table.column(one.column)
    frequent = (column.frequencies or ()) if column is not None else ()
    all_are = sum(frequent) + ((column.nulls or 0.0) if column is not None else 0.0) > 0.999
    return one.kind != "equal" or not (all_are and min(frequent) > MOST_KEPT)


def _is_search(comparison: Comparison) -> bool:
    return comparison.kind in ("equal", "in", "range", "null") and not comparison.computes


def _mismatch(scan: Scan, comparison: Comparison) -> str:
    """A comparison for which the database converts the column, not the value."""
    column = scan.known.table.column(comparison.column)
    if column is None:
        return ""
    name = comparison.column
    if scan.known.system == "postgresql":
        text = " ".join(text for _, text in scan.node.conditions)
        cast = next((found[1] for found in re.finditer(rf"\(?{re.escape(name)}\"?\)?::(\w+)", text)), "")
        if cast and not (cast in _SAME_TEXT and is_text(column.type)):
            return f"its type is {column.type} and it is compared as {cast}, for each of {_rows(scan)}"
    if scan.known.system in _MYSQL and is_text(column.type) and (comparison.literal or "").isdigit():
        return f"its type is {column.type}, and it is compared with a number, for each of {_rows(scan)}: put the number in quotes"
    return ""


def _rows(scan: Scan) -> str:
    return units.plural(round(scan.examined), "row")
