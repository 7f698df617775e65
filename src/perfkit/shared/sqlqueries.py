"""One query's clauses: its sources, and what WHERE, ON, GROUP BY, ORDER BY and the list of SELECT say of them.

In come a marked statement, the range of a query without its parentheses and an empty scope; the scope comes out filled.
"""

from __future__ import annotations

from perfkit.shared.sqlbrackets import Marked
from perfkit.shared.sqlconditions import Conditions, columns_in
from perfkit.shared.sqlscopes import MOST_SOURCES, Join, Ordering, Scope, Source

_CLAUSES = frozenset(
    {"select", "from", "where", "having", "limit", "offset", "returning", "set", "update", "delete", "into", "values"}
)
_TWO_WORDS = frozenset(
    {("group", "by"), ("order", "by"), ("lock", "in"), ("on", "conflict"), ("on", "duplicate"), ("fetch", "first")}
    | {("fetch", "next"), *(("for", word) for word in ("update", "share", "no", "key"))}
)
_SIDES = frozenset({"left", "right", "full", "inner", "cross", "natural", "outer"})
_NOT_ALIAS = _SIDES | {
    "on",
    "using",
    "join",
    "straight_join",
    "use",
    "force",
    "ignore",
    "partition",
    "indexed",
    "tablesample",
    "set",
}
_EVERY_ROW = frozenset({"select", "distinct", "all", ",", "."})
_AFTER_SELECT = frozenset({"group", "having", "order"})
_DEEPEST = 60


class QueryReader:
    """`whole`: no part of a UNION, whose ORDER BY and LIMIT are those of all parts."""

    def __init__(self, marked: Marked, scope: Scope, start: int, end: int, whole: bool) -> None:
        self.marked, self.scope, self.whole = marked, scope, whole
        self.start, self.end = start, end
        self.sources: list[Source] = []
        self.conditions: list[tuple[int, int, list[Source] | None]] = []
        self.items: list[tuple[Source, str] | None] = []

    def read(self) -> None:
        clauses = self._clauses()
        verb = self.marked.low(self.start)
        for name, start, end in clauses:
            if name in ("from", "update"):
                self._from(start, end, 0)
        if not self.sources:
            return
        reader = Conditions(self.marked, self.scope)
        for start, end, only in self.conditions:
            reader.read(start, end, only)
        for source in self.sources:
            source.verb = verb if verb in ("update", "delete") else "select"
            source.alone = len(self.sources) == 1
        aggregated = False
        for name, start, end in clauses:
            if name == "where":
                reader.read(start, end)
            elif name == "select":
                aggregated = self.marked.low(start) == "distinct"
                self._items(start, end)
            elif name == "group":
                aggregated = True
                self._group(start, end)
            elif name == "order" and self.whole and not aggregated:
                self._order(start, end)
            elif name in ("limit", "fetch") and self.whole:
                for source in self.sources:
                    source.limited = True
        self._columns(clauses)

    def _clauses(self) -> list[tuple[str, int, int]]:
        """(first word, start, end) of each on this level, up to ON CONFLICT."""
        marked = self.marked
        found: list[tuple[str, int, int]] = []
        name, first = "", self.start
        for at in marked.level(self.start, self.end):
            low, after = marked.low(at), marked.low(at + 1)
            two = (low, after) in _TWO_WORDS
            if not two and (low not in _CLAUSES or not self._begins(at, low)):
                continue
            found.append((name, first, at))
            name, first = low, at + 1 + two
            if two and low == "on":
                break
        else:
            found.append((name, first, self.end))
        return found

    def _begins(self, at: int, low: str) -> bool:
        before = self.marked.low(at - 1)
        if before == ".":
            return False
        if low == "from":
            return not (before == "distinct" and self.marked.low(at - 2) in ("is", "not"))
        if low in ("update", "delete"):
            return at == self.start
        return low != "set" or self.marked.low(self.start) in ("update", "insert", "replace")

    def _from(self, start: int, end: int, depth: int) -> None:
        marked, at = self.marked, start
        side, awaited, before = "", True, len(self.sources)
        while at < end:
            low = marked.low(at)
            if self._separates(at):
                awaited, side, before = True, "" if low in (",", "using") else side, len(self.sources)
            elif low in _SIDES and marked.low(at + 1) != "(":
                side = side if low == "outer" else low
            elif low in ("lateral", "only"):
                pass
            elif awaited:
                awaited, at = False, self._source(at, end, depth)
                continue
            elif low == "on":
                stop = next((one for one in marked.level(at + 1, end) if self._ends_on(one)), end)
                self.conditions.append((at + 1, stop, self._counted(side, before)))
                at, side = stop, ""
                continue
            elif low == "using":
                self._using(at + 1, before)
            at = max(at, marked.ends.get(at, at)) + 1

    def _separates(self, at: int) -> bool:
        low = self.marked.low(at)
        return low in (",", "join", "straight_join") or (low == "using" and self.marked.low(at + 1) != "(")

    def _ends_on(self, at: int) -> bool:
        side = self.marked.low(at) in _SIDES and self.marked.low(at + 1) != "("
        return side or self._separates(at) or self.marked.low(at) == "on"

    def _counted(self, side: str, before: int) -> list[Source] | None:
        """The sources whose rows ON throws away by constants; None for all."""
        if side == "left":
            return self.sources[before:]
        if side == "right" and before <= MOST_SOURCES:
            return self.sources[:before]
        return [] if side in ("right", "full") else None

    def _source(self, at: int, end: int, depth: int) -> int:
        """The index after the source that begins here, with its alias."""
        marked = self.marked
        names, after = marked.names(at)
        real = bool(names)
        if marked.low(at) == "(":
            after = marked.ends[at] + 1
            if not marked.is_query(at):
                if depth < _DEEPEST:
                    self._from(at + 1, after - 1, depth + 1)
                return after
        elif not names:
            return at + 1
        elif marked.low(after) == "(":
            real, after = False, marked.ends[after] + 1
        if marked.low(after) in ("*", "as"):
            after += 1
        alias = ""
        if after < end and marked.is_name(after) and marked.low(after) not in _NOT_ALIAS:
            alias, after = marked.name(after), after + 1
            after = marked.ends[after] + 1 if marked.low(after) == "(" else after
        if real and len(names) == 1 and self.scope.is_part(names[0]):
            real = False
        source = Source(names, alias, real)
        self.scope.sources[self.scope.key(source.alias)] = source
        self.sources.append(source)
        return after

    def _using(self, at: int, before: int) -> None:
        if not self.sources or len(self.sources) - before != 1:
            return
        new, others = self.sources[-1], self.sources[:before]
        for start, _ in self.marked.split(at + 1, self.marked.ends.get(at, at)):
            names, _ = self.marked.names(start)
            for column in names[:1]:
                new.reads(column)
                new.joins[Join(column, others[0].alias if len(others) == 1 else "", column)] = None
                if len(others) == 1:
                    others[0].reads(column)
                    others[0].joins[Join(column, new.alias, column)] = None

    def _items(self, start: int, end: int) -> None:
        marked = self.marked
        while marked.low(start) in ("distinct", "all"):
            start += 1
        for one, two in marked.split(start, end):
            alias, stop = "", two
            if two - one > 1 and marked.is_name(two - 1) and marked.low(two - 2) not in (".", "::"):
                named = marked.low(two - 2) == "as"
                if named or marked.tokens[two - 2].kind != "sign" or marked.low(two - 2) in (")", "]"):
                    alias, stop = marked.name(two - 1), two - 1 - named
            names, after = marked.names(one)
            found = self.scope.resolve(names) if names and after == stop else None
            self.items.append(found)
            if alias:
                self.scope.items[self.scope.key(alias)] = found

    def _column(self, start: int, end: int) -> tuple[Source, str] | None:
        """What ORDER BY or GROUP BY says: a column, the name of an item of SELECT, or an item's number."""
        marked = self.marked
        names, after = marked.names(start)
        if names and after == end:
            key = self.scope.key(names[0])
            return self.scope.items[key] if len(names) == 1 and key in self.scope.items else self.scope.resolve(names)
        number = marked.literal(start, end)
        if number and number.isascii() and number.isdigit() and 0 < len(number) < 5:
            return self.items[int(number) - 1] if 0 < int(number) <= len(self.items) else None
        return None

    def _group(self, start: int, end: int) -> None:
        found = [self._column(*item) for item in self.marked.split(start, end)]
        columns = [one for one in found if one]
        if columns and len(columns) == len(found) and len({source for source, _ in columns}) == 1:
            columns[0][0].group = tuple(column for _, column in columns)

    def _order(self, start: int, end: int) -> None:
        marked = self.marked
        order: list[Ordering] = []
        sources: set[Source] = set()
        for one, stop in marked.split(start, end):
            two, nulls, descending = stop, "", False
            if marked.low(two - 2) == "nulls":
                nulls, two = marked.low(two - 1), two - 2
            if marked.low(two - 1) in ("asc", "desc"):
                descending, two = marked.low(two - 1) == "desc", two - 1
            found = self._column(one, two) if one < two else None
            if found is None:
                return
            sources.add(found[0])
            order.append(Ordering(found[1], descending, nulls))
        if len(sources) == 1:
            sources.pop().order = tuple(order)

    def _columns(self, clauses: list[tuple[str, int, int]]) -> None:
        """All that is read of each source, which tells whether an index alone could answer."""
        ranges = [("on", start, end) for start, end, _ in self.conditions]
        ranges += [clause for clause in clauses if clause[0] in ("select", "where", "group", "having", "order")]
        for clause, start, end in ranges:
            for names in columns_in(self.marked, start, end):
                if len(names) == 1 and clause in _AFTER_SELECT and self.scope.key(names[0]) in self.scope.items:
                    continue
                if found := self.scope.resolve(names):
                    found[0].reads(found[1])
                elif len(names) == 1:
                    self.scope.unclear()
        for name, start, end in clauses:
            if name == "select":
                self._stars(start, end)
        for source in self.sources:
            if source.verb != "select":
                source.columns = None

    def _stars(self, start: int, end: int) -> None:
        for at in self.marked.level(start, end):
            before = self.marked.low(at - 1)
            if self.marked.low(at) != "*" or not (at == start or before in _EVERY_ROW):
                continue
            named = self.scope.sources.get(self.scope.key(self.marked.name(at - 2))) if before == "." else None
            for source in [named] if named else self.sources:
                source.columns = None
