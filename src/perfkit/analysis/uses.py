"""Adds spans up by endpoint, call site and what they are about: one use for each statement at each place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.recording import Frame, Recording, SpanKind
from perfkit.shared import sqltext
from perfkit.shared.origin import PROBE, ROUTE

_STATEMENTS: frozenset[SpanKind] = frozenset(("sql", "fetch", "transaction"))
# Places in reports are narrow; a statement's whole text is in its use.
_TITLE = 120
Key = tuple[SpanKind, str, str | None, int]


@dataclass
class Adding:
    """A use under construction. `keys` are the parameters seen, over all requests; `parents` what ran just before."""

    stack: int
    sample: str
    system: str
    seconds: float = 0.0
    fetch: float = 0.0
    rows: int | None = None
    lengths: list[float] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    keys: set[int] = field(default_factory=set)
    keyed: bool = False
    repeats: int = 0
    parents: Counter[tuple[str, int]] = field(default_factory=Counter)
    clusters: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))


class Uses:
    """Spans come in request by request, in the order of their start."""

    def __init__(self, recording: Recording, cluster: Callable[[float], int]) -> None:
        self._recording = recording
        self._spans = recording.spans
        self._cluster = cluster
        self._found: dict[Key, Adding] = {}
        self._fingerprints: dict[int, str] = {}

    def add(self, endpoint: str | None, owned: Sequence[tuple[int, float]], stack: int | None = None) -> None:
        """The spans of one request: rows of the recording's columns, with the seconds that each owns."""
        spans = self._spans
        ran: Counter[Key] = Counter()
        seen: set[tuple[str, int]] = set()
        before: tuple[str, int] | None = None
        last: dict[int, tuple[Key, Adding]] = {}
        for row, seconds in owned:
            name = spans.name[row]
            # The rows of a statement that another request executed are a use of their own.
            if spans.kind[row] == "fetch" and name in last:
                rows = self._fetched(last[name], row, seconds)
                before = rows or before
                continue
            key, use = self._use(row, endpoint, stack)
            last[name] = key, use
            ran[key] += 1
            use.seconds += seconds
            use.clusters[self._cluster(spans.start[row])] += seconds
            use.lengths.append(spans.seconds[row])
            if spans.count[row] >= 0:
                use.rows = (use.rows or 0) + spans.count[row]
            self._parameters(key, use, spans.key[row], seen)
            if spans.kind[row] == "sql":
                if ran[key] == 1 and before is not None:
                    use.parents[before] += 1
                before = (key[1], max(0, spans.count[row]))
        for key, count in ran.items():
            self._found[key].counts[count] += 1

    def _fetched(self, of: tuple[Key, Adding], row: int, seconds: float) -> tuple[str, int] | None:
        """The statement with its rows; None for a wait without rows of its own."""
        key, use = of
        rows = self._spans.count[row]
        use.seconds += seconds
        use.clusters[self._cluster(self._spans.start[row])] += seconds
        if rows < 0:
            use.fetch += seconds
            return None
        use.fetch += self._spans.seconds[row]
        use.rows = (use.rows or 0) + rows
        return key[1], rows

    def _parameters(self, key: Key, use: Adding, parameters: int, seen: set[tuple[str, int]]) -> None:
        """`seen` is by statement: a helper that asks again is a place of its own for each of its callers."""
        if not parameters:
            return
        use.keyed = True
        use.keys.add(parameters)
        if (key[1], parameters) in seen:
            use.repeats += 1
        seen.add((key[1], parameters))

    def _use(self, row: int, endpoint: str | None, stack: int | None) -> tuple[Key, Adding]:
        spans = self._spans
        text, kind = self._text(row), spans.kind[row]
        site = spans.stack[row] if stack is None else stack
        key = (kind, text, endpoint, site)
        use = self._found.get(key)
        if use is None:
            name = self._recording.names[spans.name[row]]
            own = self._stack(kind, text, endpoint, site, name.system) if stack is None else stack
            use = self._found[key] = Adding(own, name.text, name.system)
        return key, use

    def _text(self, row: int) -> str:
        number = self._spans.name[row]
        if self._spans.kind[row] == "gc":
            return f"{self._recording.names[number].text} of generation {self._spans.count[row]}"
        text = self._fingerprints.get(number)
        if text is None:
            name = self._recording.names[number]
            text = sqltext.fingerprint(name.text, name.system) if self._spans.kind[row] in _STATEMENTS else name.text
            self._fingerprints[number] = text
        return text

    def _stack(self, kind: SpanKind, text: str, endpoint: str | None, site: int, system: str) -> int:
        """The route, the call site, and a leaf that stands for the span."""
        stacks = self._recording.stacks
        frames = tuple(frame for frame in stacks.expand(site) if frame.file != PROBE)
        route = (Frame(ROUTE + endpoint, PROBE, 1, "native"),) if endpoint is not None else ()
        title = sqltext.shortened(text, _TITLE, system) if kind in _STATEMENTS else text[:_TITLE]
        return stacks.intern((*route, *frames, Frame(title, f"<{kind}>", 0, "native")))

    def rows(self) -> Iterator[StackTime]:
        """The seconds that uses own, by stack; blocks have rows of their own."""
        by_stack: dict[int, tuple[str | None, list[Adding]]] = {}
        for (kind, _, endpoint, _), use in self._found.items():
            if kind not in ("block", "render"):
                by_stack.setdefault(use.stack, (endpoint, []))[1].append(use)
        for stack, (endpoint, uses) in by_stack.items():
            clusters: defaultdict[int, float] = defaultdict(float)
            for use in uses:
                for cluster, seconds in use.clusters.items():
                    clusters[cluster] += seconds
            n = sum(len(use.lengths) for use in uses)
            yield StackTime(stack, sum(clusters.values()), n, endpoint, 0, "span", dict(clusters), True)

    def all(self) -> tuple[SpanUse, ...]:
        """Most seconds first."""
        uses = [self._finished(key, use) for key, use in self._found.items()]
        return tuple(sorted(uses, key=lambda use: (-use.seconds, -use.spent, use.text)))

    def _finished(self, key: Key, use: Adding) -> SpanUse:
        kind, text, endpoint, _ = key
        lengths = sorted(use.lengths)
        parent = use.parents.most_common(1)[0][0][0] if use.parents else None
        rows = [count for (name, count), times in use.parents.items() if name == parent for _ in range(times)]
        return SpanUse(
            kind=kind,
            text=text,
            sample=use.sample,
            system=use.system,
            endpoint=endpoint,
            stack=use.stack,
            count=len(lengths),
            seconds=use.seconds,
            spent=sum(lengths) + use.fetch,
            percentiles=(_at(lengths, 50), _at(lengths, 95), _at(lengths, 99), lengths[-1]),
            rows=use.rows,
            fetch=use.fetch,
            counts=dict(use.counts),
            repeats=use.repeats,
            distinct=len(use.keys) if use.keyed else None,
            parent=parent,
            parent_rows=sum(rows) / len(rows) if rows else None,
        )


def _at(ordered: Sequence[float], q: int) -> float:
    return ordered[max(0, -(-len(ordered) * q // 100) - 1)]
