"""Explain room: a step that reads too much comes in; why no index helps it, or why one that is there does not, goes out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
        if len(columns) > 1:
            yield f"no single index on {table.name} answers {' OR '.join(columns)}: {len(columns)} indexes, one for each, or a UNION can"
    if (
        scan.share is not None
        and scan.share > MOST_KEPT
        and scan.whole
        and any(_is_search(one) for one in use.comparisons)
    ):
        yield f"{table.name} is read whole because {units.share(min(1.0, scan.share))} of its {_rows(scan)} fit the condition: an index would not be faster"


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
