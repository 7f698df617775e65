"""Reports room: what the probe, or a database's log, saw of statements comes in; one `Query` a fingerprint goes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.model.analysis import Analysis, SpanUse
from perfkit.model.finding import Place
from perfkit.model.recording import Frame
from perfkit.model.sqllog import Digest
from perfkit.reports.labels import is_code
from perfkit.shared import sqltext

# A statement that a request runs so often at one place, with ever other parameters, stands in a loop.
LOOP = 5


@dataclass(frozen=True, slots=True)
class Query:
    """All executions of one statement. `total` is what requests waited, `mean` and `percentiles` (p50, p95, p99, largest) are
    of one execution until its first row, `fetch` the seconds of reading rows, in all. `rows` were sent in `counted` executions.
    `where` has most of its seconds. `n_plus_one` counts the requests (of a script, the loops; of a log, the runs in one
    connection) that repeat it. The server's own account, where its log was read, is in `digest`."""

    fingerprint: str
    id: str
    system: str
    sample: str
    count: int
    total: float
    share: float
    mean: float
    percentiles: tuple[float, float, float, float]
    fetch: float
    rows: int | None
    counted: int
    per_request: float | None
    endpoints: tuple[str, ...]
    where: Place | None
    n_plus_one: int | None
    digest: Digest | None = None

    @property
    def reading(self) -> float:
        """Seconds of reading the rows of one execution."""
        return self.fetch / self.count if self.count else 0.0

    @property
    def rows_per_call(self) -> float | None:
        return self.rows / self.counted if self.rows is not None and self.counted else None


SORTS: Final[dict[str, Callable[[Query], float]]] = {
    "total": lambda query: query.total + (query.digest.preparing / 1e6 if query.digest else 0.0),
    "count": lambda query: query.count,
    "mean": lambda query: query.mean + query.reading,
    "p95": lambda query: query.percentiles[1],
    "rows": lambda query: max(query.rows or 0, (query.digest.rows_examined or 0) if query.digest else 0),
}


def queries(analysis: Analysis, sort: str = "total") -> list[Query]:
    """One for each fingerprint, the largest by `sort` (a key of SORTS) first."""
    found: defaultdict[str, list[SpanUse]] = defaultdict(list)
    for use in analysis.uses:
        if use.kind == "sql":
            found[use.text].append(use)
    served = {e.endpoint: e.requests for e in analysis.endpoints if e.source == "probe" and e.requests}
    all_of_them = [_query(text, uses, served, analysis) for text, uses in found.items()]
    if analysis.log is not None:
        all_of_them = [_logged(query, analysis.log.digests.get(query.fingerprint), analysis) for query in all_of_them]
    key = SORTS[sort]
    return sorted(all_of_them, key=lambda query: (-key(query), -query.total, -query.count, query.fingerprint))


def _logged(query: Query, digest: Digest | None, analysis: Analysis) -> Query:
    """With what the server says. Where nothing else is known, its seconds stand alone."""
    if digest is None or analysis.kind != "log":
        return replace(query, digest=digest)
    return replace(
        query,
        digest=digest,
        total=digest.time.seconds,
        mean=digest.time.mean,
        per_request=None,
        where=None,
        n_plus_one=digest.repeats.runs or None,
    )


def _query(text: str, uses: Sequence[SpanUse], served: Mapping[str, int], analysis: Analysis) -> Query:
    uses = sorted(uses, key=lambda use: -use.seconds)
    count, total = sum(use.count for use in uses), sum(use.seconds for use in uses)
    fetch = sum(use.fetch for use in uses)
    known = [(use.rows, use.count) for use in uses if use.rows is not None]
    return Query(
        fingerprint=text,
        id=sqltext.fingerprint_id(text),
        system=uses[0].system,
        sample=uses[0].sample,
        count=count,
        total=total,
        share=min(1.0, total / analysis.measured) if analysis.measured > 0 else 0.0,
        mean=max(0.0, sum(use.spent for use in uses) - fetch) / count if count else 0.0,
        percentiles=_merged(uses),
        fetch=fetch,
        rows=sum(rows for rows, _ in known) if known else None,
        counted=sum(n for _, n in known),
        per_request=_per_request(uses, served),
        endpoints=tuple(dict.fromkeys(use.endpoint for use in uses if use.endpoint is not None)),
        where=_place(analysis, uses[0]),
        n_plus_one=None if analysis.kind == "log" else sum(map(_loops, uses)) or None,
    )


def _merged(uses: Sequence[SpanUse]) -> tuple[float, float, float, float]:
    """Exact for one use. Of several, no merged percentile is larger than this one, for which each use's executions count
    as the next percentile above them."""
    if len(uses) == 1:
        return uses[0].percentiles
    parts = (0.50, 0.45, 0.04, 0.01)
    steps = sorted(
        (length, use.count * part) for use in uses for length, part in zip(use.percentiles, parts, strict=True)
    )
    everything = sum(weight for _, weight in steps)

    def at(share: float) -> float:
        reached = 0.0
        for length, weight in steps:
            reached += weight
            if reached >= share * everything * (1 - 1e-9):
                return length
        return steps[-1][0]

    return at(0.50), at(0.95), at(0.99), steps[-1][0]


def _per_request(uses: Sequence[SpanUse], served: Mapping[str, int]) -> float | None:
    """Executions in a request that runs it at all; a request that runs it at two places is one. Handlers stand for routes
    that nobody knows: theirs are not counted."""
    requests: defaultdict[str | None, int] = defaultdict(int)
    for use in uses:
        requests[use.endpoint] += use.requests
    within = sum(min(n, served.get(endpoint or "", n)) for endpoint, n in requests.items())
    return sum(use.count for use in uses) / within if served and within else None


def _loops(use: SpanUse) -> int:
    """Requests that read with it in a loop. The same parameters again and again are another matter."""
    if use.distinct is None or use.repeats > use.count / 2 or sqltext.verb(use.text, use.system) != "SELECT":
        return 0
    return sum(requests for times, requests in use.counts.items() if times >= LOOP)


def _place(analysis: Analysis, use: SpanUse) -> Place | None:
    """The line that decided on the statement, else the innermost one."""
    found: Frame | None = analysis.sites.get(use.stack)
    if found is None:
        frames = [frame for frame in analysis.stacks.expand(use.stack) if is_code(frame.file)]
        found = next((f for f in reversed(frames) if f.origin == "app"), frames[-1] if frames else None)
    return None if found is None else Place(found.file, found.line, found.function, found.origin)
