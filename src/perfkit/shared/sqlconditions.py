"""Conditions as comparisons of columns: WHERE, ON and what a plan's node filters by.

In come a marked statement, a range of it and the scope, out come comparisons and joins of the scope's sources. What is not
understood is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from perfkit.shared.sqlbrackets import Marked
from perfkit.shared.sqlscopes import Comparison, Join, Kind, Scope, Source

_DEEPEST = 60
_SIGNS: dict[str, Kind] = {
    "=": "equal",
    "<=>": "equal",
    "<": "range",
    ">": "range",
    "<=": "range",
    ">=": "range",
    "<>": "other",
    "!=": "other",
    **dict.fromkeys(("~", "~*", "!~", "!~*", "@>", "<@", "&&", "?|", "?&", "@@"), "other"),
}
_SIGNS |= {"~~": "like", "~~*": "like"}  # how PostgreSQL's plans spell LIKE and ILIKE
_WORDS: dict[str, Kind] = {
    "in": "in",
    "like": "like",
    "ilike": "like",
    "between": "range",
    "is": "null",
    "isnull": "null",
    "notnull": "not-null",
    **dict.fromkeys(("regexp", "rlike", "similar", "glob", "match"), "other"),
}
_SAME_TEXT = frozenset({"text", "varchar", "bpchar", "character varying", "character"})
_TYPE_WORDS = frozenset({"precision", "varying", "with", "without", "time", "zone"})
_ARROWS = frozenset({"->", "->>", "#>", "#>>"})
_COMPUTING = frozenset({"+", "-", "*", "/", "%", "||", "::", "div", "mod", "collate", "case", "[", "at"})
Found = tuple[Source, Comparison]


class Operand:
    """One side of a comparison: `kind` is column, expression, computed, value, query or unknown."""

    __slots__ = ("cast", "column", "expression", "kind", "source")

    def __init__(self, kind: str, found: tuple[Source, str] | None = None, expression: str = "") -> None:
        self.kind, self.expression, self.cast = kind, expression, ""
        self.source: Source | None = found[0] if found else None
        self.column = found[1] if found else ""


class Conditions:
    """What one query's conditions say. `only`: sources whose constants count, where an outer join keeps the others' rows."""

    def __init__(self, marked: Marked, scope: Scope) -> None:
        self.marked, self.scope = marked, scope

    def read(self, start: int, end: int, only: Collection[Source] | None = None) -> None:
        for source, comparison in self._all(start, end, 0):
            if only is None or source in only:
                source.comparisons[comparison] = None

    def _all(self, start: int, end: int, depth: int, joins: bool = True) -> Iterator[Found]:
        marked = self.marked
        start, end = marked.inside(start, end)
        if depth > _DEEPEST or start >= end:
            return
        branches = self._parts(start, end, ("or", "xor", "||") if marked.folds else ("or", "xor"))
        if len(branches) > 1:
            yield from self._either(branches, depth)
            return
        parts = self._parts(start, end, ("and", "&&") if marked.folds else ("and",))
        for one, two in parts:
            inner = marked.inside(one, two)
            if len(parts) > 1 or inner != (one, two):
                yield from self._all(*inner, depth + 1, joins)
            else:
                yield from self._one(one, two, joins)

    def _parts(self, start: int, end: int, words: tuple[str, ...]) -> list[tuple[int, int]]:
        """The ranges between these words; the AND of BETWEEN is none of them."""
        ranges, first, between = [], start, False
        for at in self.marked.level(start, end):
            low = self.marked.low(at)
            if low == "between":
                between = True
            elif low == "and" and between:
                between = False
            elif low in words:
                ranges.append((first, at))
                first = at + 1
        return [(one, two) for one, two in (*ranges, (first, end)) if one < two]

    def _either(self, branches: list[tuple[int, int]], depth: int) -> Iterator[Found]:
        """OR: of one column compared with constants it is a list, of several no single index answers it."""
        found = [list(self._all(*branch, depth + 1, joins=False)) for branch in branches]
        if not all(found):
            return
        first = found[0][0][0]
        if any(source is not first for branch in found for source, _ in branch):
            return
        if all(len(branch) == 1 and _is_listed(branch[0][1], found[0][0][1]) for branch in found):
            yield first, found[0][0][1]._replace(kind="in", literal=None)
        else:
            first.either[tuple(comparison for branch in found for _, comparison in branch)] = None

    def _one(self, start: int, end: int, joins: bool) -> Iterator[Found]:
        marked = self.marked
        negated = marked.low(start) == "not"
        if negated:
            start += 1
        at = next((at for at in marked.level(start, end) if self._operator(at, start)), None)
        if at is None:
            operand = self.operand(start, end)
            if operand.kind == "column" and operand.source:
                yield operand.source, Comparison(operand.column, "false" if negated else "true")
            return
        kind, after = self._operator(at, start) or "other", at + 1
        left_end = at
        if marked.low(at) == "not":
            kind, after = "other", at + 2
        elif negated:
            kind = "other"
        elif marked.low(at) == "is":
            kind, after = self._is(at, end)
        elif marked.low(at) == "=" and marked.low(after) == "=":
            after += 1
        if kind in ("null", "not-null", "true", "false"):
            yield from _made(self.operand(start, left_end), kind)
        elif marked.low(at) == "=" and marked.low(start) == "(" and marked.low(after) == "(":
            yield from self._rows((start, left_end), (after, end), joins)
        else:
            yield from self._compared(kind, (start, left_end), (after, end), joins)

    def _operator(self, at: int, start: int) -> Kind | None:
        if at == start:
            return None
        low = self.marked.low(at)
        if low == "not":
            return "other" if self.marked.low(at + 1) in _WORDS else None
        return _SIGNS.get(low) or _WORDS.get(low)

    def _is(self, at: int, end: int) -> tuple[Kind, int]:
        words = [self.marked.low(one) for one in range(at + 1, min(end, at + 4))]
        if words[:1] == ["null"]:
            return "null", at + 2
        if words[:2] == ["not", "null"]:
            return "not-null", at + 3
        if words[:1] in (["true"], ["false"]):
            return ("true" if words[0] == "true" else "false"), at + 2
        if words == ["not", "distinct", "from"]:
            return "equal", at + 4
        return "other", end

    def _rows(self, left: tuple[int, int], right: tuple[int, int], joins: bool) -> Iterator[Found]:
        """(a, b) = (1, 2)."""
        one = self.marked.split(*self.marked.inside(*left))
        two = self.marked.split(*self.marked.inside(*right))
        if len(one) == len(two):
            for mine, other in zip(one, two, strict=True):
                yield from self._compared("equal", mine, other, joins)

    def _compared(self, kind: Kind, left: tuple[int, int], right: tuple[int, int], joins: bool) -> Iterator[Found]:
        marked = self.marked
        columns = marked.split(*marked.inside(*left))
        if len(columns) > 1:  # (a, b) > (1, 2): at least the first is a range
            values = marked.split(*marked.inside(*right))
            if kind == "range" and values:
                yield from self._compared(kind, columns[0], values[0], joins=False)
            return
        if kind == "equal" and marked.low(right[0]) in ("any", "some"):
            kind = "in"
        one, two = self.operand(*left), self.operand(*right)
        if two.kind in ("value", "query") and one.source:
            yield from _made(one, kind, *self._constant(kind, right, marked.low(right[0] - 1)))
        elif one.kind in ("value", "query") and two.source and kind in ("equal", "range"):
            yield from _made(two, kind, None, marked.literal(*left))
        elif joins and kind == "equal":
            _joined(one, two)
            _joined(two, one)

    def _constant(self, kind: Kind, right: tuple[int, int], operator: str) -> tuple[bool | None, str | None]:
        """(wildcard, literal). Where case means nothing an index on the column has no beginning to search by either."""
        literal = self.marked.literal(*right)
        if kind != "like":
            return None, literal if kind == "equal" else None
        if operator in ("ilike", "~~*"):
            return True, None
        written = self.marked.tokens[right[0]].text if right[0] < right[1] else ""
        text = written if written.endswith("'") or "'" in written[:3] else ""
        return (text.partition("'")[2][:1] in ("%", "_") if text else None), None

    def operand(self, start: int, end: int) -> Operand:
        marked = self.marked
        start, end = marked.inside(start, end)
        if start >= end:
            return Operand("unknown")
        if marked.is_query(start) and marked.ends[start] >= end - 1:
            return Operand("query")
        cast = next((at for at in marked.level(start, end) if marked.low(at) == "::"), None)
        kind = " ".join(map(marked.low, range(cast + 1, end))) if cast else ""
        if cast and kind in _SAME_TEXT and self._is_unit(start, cast):
            operand = self.operand(start, cast)
            operand.cast = kind
            return operand
        names, after = marked.names(start)
        if names and after == end:
            found = self.scope.resolve(names)
            return Operand("column", found) if found else Operand("unknown")
        return self._expression(start, end)

    def _is_unit(self, start: int, end: int) -> bool:
        """Whether a cast after `end` is one of all that is before."""
        return self.marked.names(start)[1] == end or self.marked.ends.get(start) == end - 1

    def _expression(self, start: int, end: int) -> Operand:
        marked = self.marked
        refs = list(columns_in(marked, start, end))
        if not refs:
            has_query = any(marked.is_query(at) for at in marked.level(start, end))
            return Operand("query" if has_query else "value")
        found = {self.scope.resolve(names) for names in refs}
        one = found.pop() if len(found) == 1 else None
        if one is None:
            return Operand("unknown")
        signs = {marked.low(at) for at in marked.level(start, end)}
        is_call = marked.tokens[start].kind == "word" and marked.ends.get(start + 1) == end - 1
        text = marked.sql(start, end)
        if marked.has_placeholder(start, end) or any(marked.is_query(at) for at in range(start, end)):
            return Operand("computed", one, text)
        if is_call or (signs & _ARROWS and not signs & _COMPUTING):
            return Operand("expression", one, text)
        return Operand("computed", one, text)


def columns_in(marked: Marked, start: int, end: int) -> Iterator[list[str]]:
    """The dotted names that stand for columns, in all brackets except queries."""
    at = start
    while at < end:
        low = marked.low(at)
        if low in ("::", "collate") or (low == "as" and marked.low(at - 1) != ")"):
            at = _after_type(marked, at + 1)
            continue
        if marked.is_query(at):
            at = marked.ends[at]
        elif low == "(" and marked.low(at - 1) == "extract":
            at += 2
            continue
        names, after = marked.names(at)
        if (
            names
            and marked.low(after) not in ("(", ".")
            and not _is_type(marked, at, after)
            and not _is_unit(marked, at)
        ):
            yield names
        at = after if names else at + 1


def _after_type(marked: Marked, at: int) -> int:
    at += 1
    while marked.low(at) in _TYPE_WORDS:
        at += 1
    return at


def _is_type(marked: Marked, at: int, after: int) -> bool:
    """`date '2024-01-01'`."""
    return after == at + 1 and after < len(marked.tokens) and marked.tokens[after].kind == "value"


def _is_unit(marked: Marked, at: int) -> bool:
    """`interval 1 day`."""
    return at > 1 and marked.tokens[at - 1].kind == "value" and marked.low(at - 2) == "interval"


def _made(operand: Operand, kind: Kind, wildcard: bool | None = None, literal: str | None = None) -> Iterator[Found]:
    if operand.source:
        computes = operand.kind == "computed"
        yield (
            operand.source,
            Comparison(operand.column, kind, operand.expression, computes, wildcard, literal, operand.cast),
        )


def _joined(one: Operand, other: Operand) -> None:
    if one.kind == "column" and one.source and other.source and one.source is not other.source:
        one.source.joins[Join(one.column, other.source.alias, other.column)] = None


def _is_listed(comparison: Comparison, first: Comparison) -> bool:
    same = (comparison.column, comparison.expression) == (first.column, first.expression)
    return same and comparison.kind in ("equal", "in") and not comparison.computes
