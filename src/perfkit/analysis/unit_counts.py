"""What each endpoint did, counted: statements by fingerprint, rows, connections, transactions, imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from perfkit.model.finding import Place
from perfkit.model.gate import WHOLE, CountKey, Counts
from perfkit.model.recording import Recording, Request, Span

_COMMITS = ("COMMIT", "END")


def count(recording: Recording, skip: int | None = None) -> Counts:
    """Of requests that the probe saw, without the first `skip` of each endpoint in each process, which open connections, import and
    fill caches; with None of the whole run."""
    requests = None if skip is None else _counted(recording, skip)
    totals: Counter[CountKey] = Counter()
    places: dict[CountKey, Place] = {}
    for span in recording.spans:
        unit = WHOLE if requests is None else requests.get((span.process, span.request))
        if unit is None:
            continue
        for key, n in _keys(unit, span, recording):
            totals[key] += n
            if key.what == "statement" and key not in places and (place := _place(recording, span.stack)) is not None:
                places[key] = place
    return Counts(totals, {WHOLE: 1} if requests is None else Counter(requests.values()), places)


def _counted(recording: Recording, skip: int) -> Mapping[tuple[int | None, int | None], str]:
    """Endpoint by process and number."""
    seen: Counter[tuple[int | None, str]] = Counter()
    found: dict[tuple[int | None, int | None], str] = {}
    timed: list[Request] = sorted(
        (request for request in recording.requests if request.source == "probe"), key=lambda request: request.start
    )
    for request in timed:
        seen[request.process, request.endpoint] += 1
        if seen[request.process, request.endpoint] > skip:
            found[request.process, request.number] = request.endpoint
    return found


def _keys(unit: str, span: Span, recording: Recording) -> list[tuple[CountKey, int]]:
    text = recording.names[span.name].text if span.name in recording.names else ""
    if span.kind == "sql":
        return [(CountKey(unit, "queries"), 1), (CountKey(unit, "statement", text), 1)]
    if span.kind == "fetch":
        return [(CountKey(unit, "rows"), span.count or 0)]
    if span.kind == "connect":
        return [(CountKey(unit, "connections"), 1)]
    if span.kind == "transaction" and text.upper().startswith(_COMMITS):
        return [(CountKey(unit, "commits"), 1)]
    if span.kind == "import":
        return [(CountKey(unit, "imports"), 1), (CountKey(unit, "import", text), 1)]
    return []


def _place(recording: Recording, stack: int) -> Place | None:
    """The innermost frame of the project's."""
    for frame in reversed(recording.stacks.expand(stack)):
        if frame.origin == "app":
            return Place(frame.file, frame.line, frame.function, frame.origin)
    return None
