"""Explain room: a statement whose values are not known comes in; values that a row of its tables really has go out.

MySQL and MariaDB plan for values, never for a parameter. So the parameters that are compared with columns of a table get those of
one of its rows, the middle one of a thousand: a frequent value is more likely to be in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from perfkit.explain.aliases import tables_in
from perfkit.explain.placeholders import plain
from perfkit.explain.scanning import Piece

SAMPLE = 1000
MOST = 300  # parameters
LONGEST = 200  # characters; longer values are no keys
LIMIT, OFFSET = "20", "0"
REMARK = (
    "its values are not known: it was planned with those of a usual row, one of the first 1,000, which are not shown"
)
_COMPARES = frozenset({"=", "<", ">", "<=", ">=", "<>", "!=", "<=>"})
_SUMS = ("+", "-", "*", "/", "%", "||", "div", "mod")
Columns = Callable[[str | None, str], Collection[str]]
Usual = Callable[[str | None, str, Sequence[str]], Sequence[str | None]]
Place = tuple[tuple[str | None, str], str]  # of a parameter: table and column


def values_for(text: str, system: str, columns: Columns, usual: Usual) -> tuple[str | None, ...] | None:
    """One for each parameter; None where one is compared with anything but a column of a table, or where the table is empty.

    `columns` gives the names of a table's columns in lower case, none where it is no table; `usual` the values of some in one
    row. Raises Unclear.
    """
    pieces = [piece for piece in plain(text, system) if piece.kind != "space"]
    if sum(piece.kind == "placeholder" for piece in pieces) > MOST:
        return None
    tables = tables_in(pieces)
    found: list[Place | str | None] = []
    for at, piece in enumerate(pieces):
        if piece.kind != "placeholder":
            continue
        if (counted := _counted(pieces, at)) is not None or _is_inserted(pieces, at):
            found.append(counted)
            continue
        place = _place(_compared(pieces, at), tables, columns)
        if place is None:
            return None
        found.append(place)
    places = [each for each in found if isinstance(each, tuple)]
    rows = _rows(places, usual)
    if any(rows[place] is None for place in places):
        return None
    return tuple(rows[each] if isinstance(each, tuple) else each for each in found)


def _place(
    column: tuple[str, str] | None, tables: Mapping[str, tuple[str | None, str]], columns: Columns
) -> Place | None:
    """The one table of the statement that has the column."""
    if column is None:
        return None
    qualifier, name = column
    among = {table for called, table in tables.items() if qualifier in ("", called)}
    having = [table for table in among if name in columns(*table)]
    return (having[0], name) if len(having) == 1 else None


def _rows(places: Sequence[Place], usual: Usual) -> Mapping[Place, str | None]:
    values: dict[Place, str | None] = {}
    for table in dict.fromkeys(table for table, _ in places):
        names = list(dict.fromkeys(name for of, name in places if of == table))
        values |= {(table, name): value for name, value in zip(names, usual(*table, names), strict=True)}
    return values


def _counted(pieces: Sequence[Piece], at: int) -> str | None:
    """LIMIT ?, OFFSET ?, LIMIT offset, ?"""
    before = pieces[at - 1].says if at else ""
    if before == "offset":
        return OFFSET
    if before == "limit":
        return OFFSET if at + 1 < len(pieces) and pieces[at + 1].text == "," else LIMIT
    return LIMIT if before == "," and at > 2 and pieces[at - 3].says == "limit" else None


def _is_inserted(pieces: Sequence[Piece], at: int) -> bool:
    """A value of INSERT … VALUES has no part in a plan."""
    says = [piece.says for piece in pieces[:at]]
    return says[:1] in (["insert"], ["replace"]) and "values" in says and "select" not in says


def _compared(pieces: Sequence[Piece], at: int) -> tuple[str, str] | None:
    """The qualifier, or nothing, and the name of the column that a parameter is compared with. Not of BETWEEN and LIKE: how wide
    a range is, and where a pattern begins, decides about the plan."""
    says = [piece.says for piece in pieces]
    if at + 1 < len(pieces) and pieces[at + 1].text in _SUMS:
        return None
    before = at - 1
    while before > 0 and says[before] == "," and pieces[before - 1].kind == "placeholder":
        before -= 2  # an IN list
    if says[before] in _COMPARES:
        return _column(pieces, before - 1)
    if says[before] == "(" and before and says[before - 1] == "in":
        return _column(pieces, before - 3 if says[before - 2] == "not" else before - 2)
    return _column_after(pieces, at) if at + 1 < len(pieces) and says[at + 1] in _COMPARES else None


def _column(pieces: Sequence[Piece], end: int) -> tuple[str, str] | None:
    """The column whose name ends there."""
    if end < 0 or pieces[end].kind not in ("word", "name"):
        return None
    qualified = end > 1 and pieces[end - 1].text == "."
    start = end - 2 if qualified else end
    if start and pieces[start - 1].text in _SUMS:
        return None
    return (pieces[start].called if qualified else "", pieces[end].called)


def _column_after(pieces: Sequence[Piece], at: int) -> tuple[str, str] | None:
    """Of `? = b.author_id`."""
    end = at + 2
    if end + 2 < len(pieces) and pieces[end + 1].text == ".":
        end += 2
    following = pieces[end + 1].text if end + 1 < len(pieces) else ""
    return _column(pieces, end) if end < len(pieces) and following not in ("(", *_SUMS) else None
