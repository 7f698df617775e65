"""Explain room: the table that EXPLAIN prints in MySQL and MariaDB comes in, as mysql draws it, as tabs or with \\G; a Plan goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from perfkit.errors import PerfkitError
from perfkit.explain.mysql_json import plan_of
from perfkit.explain.plantree import number
from perfkit.model.plan import Plan

_COLUMNS = {"id", "select_type", "table", "type", "key"}
_VERTICAL = re.compile(r"\s*(?P<name>[a-zA-Z_]+): ?(?P<value>.*)")
_STARS = re.compile(r"\*{5,} \d+\. row \*{5,}")
_FLAGS = {
    "Using index": "using_index",
    "Using filesort": "using_filesort",
    "Using temporary": "using_temporary_table",
    "Using index for group-by": "using_index_for_group_by",
    "Using index condition": "using_index_condition",
}
Row = Mapping[str, str]


def is_table(text: str) -> bool:
    return bool(rows_in(text))


def read_table(text: str) -> Plan:
    """Rows of one id are joined in their order; each further id is a query of its own. Raises PerfkitError where none is there."""
    rows = rows_in(text)
    if not rows:
        raise PerfkitError("there is no table of EXPLAIN in the text.", "paste it with its titles")
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(row.get("id", ""), []).append(row)
    queries = [{"query_block": _block(block)} for block in blocks.values()]
    loaded = queries[0] if len(queries) == 1 else {"query_block": {"query_specifications": queries}}
    return plan_of(loaded, text)


def rows_in(text: str) -> list[Row]:
    if _STARS.search(text):
        return list(_vertical(text.split("\n")))
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("+-")]
    separator = "|" if lines and lines[0].startswith("|") else "\t"
    cells = [[cell.strip() for cell in line.strip("|").split(separator)] for line in lines]
    if not cells or not set(cells[0]) >= _COLUMNS:
        return []
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:] if len(row) == len(cells[0])]


def rows_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """As text with tabs, which `read_table` reads."""
    lines = ["\t".join("NULL" if value is None else str(value) for value in row) for row in rows]
    return "\n".join(["\t".join(columns), *lines])


def _vertical(lines: Sequence[str]) -> Iterator[Row]:
    row: dict[str, str] = {}
    for line in [*lines, "***** 0. row *****"]:
        if _STARS.search(line) or line.startswith("*****"):
            if set(row) >= _COLUMNS:
                yield row
            row = {}
        elif (found := _VERTICAL.fullmatch(line)) is not None:
            row[found["name"]] = found["value"].strip()


def _block(rows: Sequence[Row]) -> dict[str, object]:
    extras = {extra for row in rows for extra in _extras(row)}
    joined: dict[str, object] = {"nested_loop": [{"table": _table(row)} for row in rows]}
    if "Using temporary" in extras:
        joined = {"temporary_table": joined | {"using_temporary_table": True}}
    if "Using filesort" in extras:
        joined = {"filesort": joined | {"using_filesort": True}}
    return joined


def _table(row: Row) -> dict[str, object]:
    def given(name: str) -> str | None:
        value = row.get(name, "NULL")
        return None if value in ("NULL", "", "(null)") else value

    extras = _extras(row)
    table: dict[str, object] = {
        "table_name": given("table"),
        "access_type": given("type"),
        "key": given("key"),
        "rows": number(given("rows")),
        "filtered": number(given("filtered")) if given("filtered") else 100.0,
    }
    if given("r_rows"):
        table |= {"r_rows": number(given("r_rows")), "r_filtered": number(given("r_filtered")), "r_loops": 1}
    if given("ref"):
        table["message"] = f"ref {given('ref')}"
    return table | {
        _FLAGS[extra]: True
        for extra in extras
        if extra in _FLAGS and extra not in ("Using filesort", "Using temporary")
    }


def _extras(row: Row) -> list[str]:
    return [extra.strip() for extra in row.get("Extra", "").split(";")]
