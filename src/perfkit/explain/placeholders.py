"""Explain room: a statement with placeholders of any driver, or with the ? of a fingerprint, comes in; the same statement with the
placeholders that its database takes goes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perfkit.explain.scanning import Piece, pieces

# After these an operand begins, so that ? is a value and not an operator of jsonb.
_BEFORE_VALUE = frozenset(
    re.findall(
        r"\w+",
        "select distinct all where and or not on in any some like ilike similar to between symmetric then else when case by "
        "having limit offset set values returning from using is first next escape filter default interval over as row rows",
    )
)
_TYPES = {
    "interval": "interval",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
}
_COUNTED = re.compile(r"(?P<count>\b(?:limit|offset)\s+)?\0(?P<number>\d+)\0", re.IGNORECASE)
_SECOND_COUNT = re.compile(r"\blimit\s+(?:\d+|\0\d+\0)\s*,\s*\Z", re.IGNORECASE)  # LIMIT offset, count
_NEAR = 60
_DOLLAR = re.compile(r"\$\d+\Z")
_OPERAND = frozenset({"string", "number", "name", "word", "placeholder"})
_SORT_ENDS = frozenset(
    {"asc", "desc", "nulls", "limit", "offset", "having", "order", "window", "union", "for", "fetch"}
)


class NoHonestPlan(Exception):
    """The placeholders stand where a plan would depend on what they are. Its message is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`text` with the database's own placeholders. `names` are what stood there, once a parameter, in the order of the
    parameters: `$2`, `:user`, `?`."""

    text: str
    names: tuple[str, ...] = ()


def numbered(text: str, system: str = "postgresql") -> Prepared:
    """With $1, $2, …. Raises NoHonestPlan, Unclear."""
    return _prepared(plain(text, system), "${}".format)


def question_marks(text: str, system: str) -> Prepared:
    """With one ? for each, as MySQL and SQLite take them. Raises NoHonestPlan, Unclear."""
    return _prepared(plain(text, system), lambda _: "?", each=True)


def filled(text: str, system: str, values: Sequence[str | None], quoted: Callable[[str], str]) -> str:
    """With the values in their places as `quoted` writes them; as numbers after LIMIT and OFFSET, which take no text.
    Raises NoHonestPlan, Unclear."""

    def literal(found: re.Match[str]) -> str:
        value = values[int(found["number"]) - 1]
        count = found["count"] or ""
        before = found.string[max(0, found.start() - _NEAR) : found.start()]
        counts = (count or _SECOND_COUNT.search(before)) and (value or "").isdigit()
        return count + ("NULL" if value is None else value if counts else quoted(value))

    marked = _prepared(plain(text, system), "\0{}\0".format, each=True)
    return _COUNTED.sub(literal, marked.text)


def plain(text: str, system: str) -> list[Piece]:
    """Pieces of a text without comments: a space stands for each. Where a driver's %s is, %% is its way to write %; the one ? of a
    fingerprint's row of VALUES is one for each column. Raises Unclear."""
    found = [Piece("space", " ") if piece.kind in ("space", "comment") else piece for piece in pieces(text, system)]
    if any(piece.kind == "placeholder" and piece.text[0] == "%" for piece in found):
        found = [Piece(piece.kind, piece.text.replace("%%", "%")) for piece in found]
    return _rows_filled(found)


def _prepared(found: list[Piece], write: Callable[[int], str], each: bool = False) -> Prepared:
    dollars = any(piece.kind == "placeholder" and _DOLLAR.match(piece.text) for piece in found)
    names: list[str] = []
    numbers: dict[str, int] = {}
    out: list[str] = []
    telling = [at for at, piece in enumerate(found) if piece.kind != "space"]
    _refuse_positions([found[at] for at in telling])
    place = {at: order for order, at in enumerate(telling)}
    for at, piece in enumerate(found):
        if piece.kind != "placeholder" or (dollars and not _DOLLAR.match(piece.text)):
            out.append(piece.text)
            continue
        order = place[at]
        before = found[telling[order - 1]] if order else None
        after = found[telling[order + 1]] if order + 1 < len(telling) else None
        if piece.text == "?" and _is_operator(before, after):
            out.append("?")
            continue
        number = _number(piece.text, names, numbers, each)
        cast = "" if before is None or each else _typed(out, before)
        out.append(write(number) + cast)
    return Prepared("".join(out), tuple(names))


def _number(text: str, names: list[str], numbers: dict[str, int], each: bool) -> int:
    """From 1. The same name again is the same parameter; ? and %s are a new one each time."""
    if each or text in ("?", "%s"):
        names.append(text)
        return len(names)
    if _DOLLAR.match(text):
        number = int(text[1:7])
        if not 0 < number <= 65_535:
            raise NoHonestPlan(f"{text[:20]} is no number of a parameter")
        while len(names) < number:
            names.append(f"${len(names) + 1}")
        return number
    if text not in numbers:
        names.append(text)
        numbers[text] = len(names)
    return numbers[text]


def _is_operator(before: Piece | None, after: Piece | None) -> bool:
    """Whether a ? asks for a key of a jsonb: it stands between two operands."""
    if before is None or after is None:
        return False
    if before.text == "@":
        return True
    left = before.text in (")", "]") or (before.kind in _OPERAND and before.says not in _BEFORE_VALUE)
    right = after.kind in ("string", "placeholder") or after.says == "array" or after.text == "("
    return left and right and before.says not in _TYPES


def _typed(out: list[str], before: Piece) -> str:
    """`interval ?` is a literal of a type, which takes no parameter: it becomes `?::interval`."""
    if before.kind != "word" or before.says not in _TYPES:
        return ""
    at = next(at for at in range(len(out) - 1, -1, -1) if out[at] == before.text)
    del out[at:]
    return f"::{_TYPES[before.says]}"


def _rows_filled(found: list[Piece]) -> list[Piece]:
    """`insert into t (a, b) values (?)`, as a fingerprint says it, with one ? for each column."""
    telling = [(at, piece) for at, piece in enumerate(found) if piece.kind != "space"]
    says = [piece.says for _, piece in telling]
    if says[:2] not in (["insert", "into"], ["replace", "into"]) or "values" not in says:
        return found
    values = says.index("values")
    if says[values + 1 : values + 4] != ["(", "?", ")"] or says[values - 1] != ")" or "(" not in says[:values]:
        return found
    columns = says[says.index("(") : values].count(",") + 1
    at = telling[values + 2][0]
    return [*found[:at], *[Piece("placeholder", "?"), Piece("sign", ",")] * (columns - 1), *found[at:]]


def _refuse_positions(telling: Sequence[Piece]) -> None:
    """ORDER BY ? was a column's number: with a parameter in its place nothing would be sorted."""
    depth, lists = 0, set[int]()
    for at, piece in enumerate(telling):
        if piece.text in ("(", ")"):
            lists.discard(depth)
            depth += 1 if piece.text == "(" else -1
        elif piece.says == "by" and at and telling[at - 1].says in ("order", "group"):
            lists.add(depth)
        elif piece.says in _SORT_ENDS - {"asc", "desc", "nulls"}:
            lists.discard(depth)
        elif piece.kind == "placeholder" and depth in lists:
            after = telling[at + 1].says if at + 1 < len(telling) else ""
            if telling[at - 1].says in ("by", ",") and (after in ("", ",", ")", ";") or after in _SORT_ENDS):
                raise NoHonestPlan("it sorts or groups by the number of a column, and the number is not known")
