"""Explain room: a candidate comes in, the statement that would make the index, its size and what speaks for and against it go out."""

from __future__ import annotations

import re
from typing import Final

from perfkit.explain.advice_scans import Scan, share_of
from perfkit.explain.advice_wanted import Candidate
from perfkit.explain.indexnames import qualified, quoted
from perfkit.shared import units

_DAY: Final = 86_400.0
_LEAST_AGE: Final = 3600.0  # a rate of less says how the server was filled, not how it is used
_MYSQL = frozenset({"mysql", "mariadb"})
_WIDTHS: Final = (
    (re.compile(r"tinyint|bool|\"char\"", re.IGNORECASE), 1),
    (re.compile(r"smallint|int2|year", re.IGNORECASE), 2),
    (re.compile(r"bigint|int8|double|datetime|timestamp|serial8|bigserial", re.IGNORECASE), 8),
    (re.compile(r"int|serial|date|real|float|oid", re.IGNORECASE), 4),
    (re.compile(r"uuid", re.IGNORECASE), 16),
    (re.compile(r"numeric|decimal|time", re.IGNORECASE), 8),
)
_LENGTH = re.compile(r"\((\d+)")
_UNKNOWN_WIDTH: Final = 16
_PAGE: Final = 8192
_ROLES: Final = {"equal": "=", "in": "IN", "range": "range", "like": "LIKE"}
# Bytes of an entry beside its key: PostgreSQL's tuple header and line pointer; InnoDB's record header, transaction and a key of 8
# bytes of the table; SQLite's record header, cell pointer and row id. Pages are this full after CREATE INDEX.
_OVERHEAD: Final = {"postgresql": (12, 0.9), "mysql": (21, 0.75), "mariadb": (21, 0.75), "sqlite": (10, 0.9)}


def ddl(candidate: Candidate, name: str = "") -> str:
    """As a person would run it on a server that others use: without locking writers out, where the database can."""
    return _ddl(candidate, name, careful=True)


def trial_ddl(candidate: Candidate, name: str = "") -> str:
    return _ddl(candidate, name, careful=False)


def _ddl(candidate: Candidate, name: str, careful: bool) -> str:
    system, table = candidate.scan.known.system, candidate.scan.known.table
    keys = ", ".join(key.sql for key in candidate.keys)
    if system in _MYSQL:
        return f"ALTER TABLE {qualified(table.name, None, system)} ADD INDEX ({keys}), ALGORITHM=INPLACE, LOCK=NONE;"
    target = qualified(table.name, table.schema, system)
    carried = (
        f" INCLUDE ({', '.join(quoted(column, system) for column in candidate.include)})" if candidate.include else ""
    )
    where = f" WHERE {candidate.where}" if candidate.where else ""
    if system == "sqlite":
        return f"CREATE INDEX {quoted(name or index_name(candidate), system)} ON {target} ({keys}){where};"
    if careful and candidate.scan.known.root:  # of a partitioned table PostgreSQL makes none CONCURRENTLY
        schema, name = candidate.scan.known.root
        target, careful = qualified(name, schema, system), False
    how = "CONCURRENTLY " if careful else ""
    return f"CREATE INDEX {how}ON {target} ({keys}){carried}{where};"


def index_name(candidate: Candidate) -> str:
    """SQLite wants one: of the table and its columns, and not taken."""
    table = candidate.scan.known
    words = [table.table.name, *candidate.columns, "idx"]
    name = "_".join(re.sub(r"\W+", "_", word).strip("_") for word in words)[:60]
    taken = {detail.index.name.lower() for detail in table.details}
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 1000))) if one.lower() not in taken)


def size(candidate: Candidate) -> int | None:
    """Bytes: rows × (width of the columns, in words of 8 bytes on PostgreSQL, and overhead), over how full pages are;
    a page at the least. A partial index has the rows that fit its predicate."""
    known = candidate.scan.known
    if known.rows is None:
        return None
    width = 0
    for name in (*candidate.columns, *candidate.include):
        column = known.table.column(name)
        width += _UNKNOWN_WIDTH if column is None else column.width or _type_width(column.type)
    if known.system == "postgresql":
        width = -(-width // 8) * 8
    overhead, full = _OVERHEAD.get(known.system, (16, 0.9))
    held = known.rows if candidate.where is None else _held(candidate)
    return None if held is None else max(_PAGE, round(held * (width + overhead) / full))


def _held(candidate: Candidate) -> float | None:
    """Rows that fit the predicate of a partial index; None where nothing tells."""
    scan = candidate.scan
    constant = [one for one in scan.use.comparisons if one.kind in ("null", "not-null", "true", "false")]
    share = share_of(constant, scan.known.table)
    if share is not None and all(one.kind in ("null", "not-null") for one in constant):
        return share * (scan.known.rows or 0)
    return scan.kept if len(constant) == len(scan.use.comparisons) else None


def _type_width(kind: str) -> int:
    for pattern, width in _WIDTHS:
        if pattern.search(kind):
            return width
    length = _LENGTH.search(kind)
    return min(_UNKNOWN_WIDTH * 2, int(length[1][:6]) // 2 + 1) if length else _UNKNOWN_WIDTH


def reason(candidate: Candidate) -> str:
    """What is read now, and by which columns the index leads to it."""
    scan = candidate.scan
    name = scan.known.table.name
    by_index = next((node.index for _, node in scan.node.walk() if node.index), None)
    how = (
        f"reads the whole of {name}"
        if scan.whole
        else f"reads {name} by index {by_index}"
        if by_index
        else f"reads {name}"
    )
    rows = f", {units.plural(round(scan.examined), 'row')}" if scan.told else " and throws away what does not fit"
    parted = f" {scan.known.name} is partitioned: CREATE INDEX keeps its writers waiting." if scan.known.root else ""
    times = f" in {units.count(scan.node.loops)} rounds" if scan.counted and scan.node.loops > 1 else ""
    kept = (
        f", and {'keeps' if scan.counted else 'is expected to keep'} {units.count(scan.kept)}"
        if scan.kept is not None
        else ""
    )
    by = ", ".join(f"{key.text} ({_role(scan, key.text)})" for key in candidate.keys)
    extra = f"; with {', '.join(candidate.include)} in it the table is not read at all" if candidate.include else ""
    partial = f"; only rows with {candidate.where} are in it" if candidate.where else ""
    return f"The plan {how}{rows}{times}{kept}; the index leads to them by {by}{extra}{partial}.{parted}"


def shown(trial: tuple[str, str] | None) -> str:
    """What the plan was and what it became."""
    return f" Tried: {trial[0]} became {trial[1]}." if trial else ""


def _role(scan: Scan, text: str) -> str:
    for comparison in (*scan.use.comparisons, *(one for branches in scan.use.either for one in branches)):
        if text in (comparison.expression, comparison.column if not comparison.expression else ""):
            role = _ROLES.get(comparison.kind)
            if role:
                return role
    if any(join.column == text for join in scan.use.joins):
        return "join"
    if any(ordering.column == text for ordering in scan.use.order):
        return "order"
    return "group" if text in scan.use.group else "condition"


def writes(scan: Scan, age: float | None) -> str:
    """What keeping it costs: each write to the table writes its indexes as well."""
    table, count = scan.known.table, len(scan.known.details)
    has = f"{table.name} has {units.plural(count, 'index')} now"
    if table.writes is None:
        return f"{has}; how often it is written is not counted here"
    if age is None:
        return f"{has} and was written {units.plural(table.writes, 'time')} since its statistics began; each would write this one as well"
    if age < _LEAST_AGE:
        return f"{has} and was written {units.plural(table.writes, 'time')} in {_span(age)}; each would write this one as well"
    rate = table.writes / age
    often = f"{_people(rate)} times a second" if rate >= 0.1 else f"{_people(rate * _DAY)} times a day"
    return f"{has} and is written {often} (mean of {_span(age)}); each would write this one as well"


def _people(value: float) -> str:
    """Two digits or more, never an exponent."""
    return units.count(value) if value >= 10 or not value else f"{value:.1f}"


def _span(seconds: float) -> str:
    for size, noun in ((_DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 2 * size:
            return units.plural(round(seconds / size), noun)
    return units.plural(max(1, round(seconds)), "second")
