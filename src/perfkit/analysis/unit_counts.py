"""What each endpoint or test did, counted: statements by fingerprint, rows, connections, transactions, imports, requests to other
services by host, calls by function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from perfkit.analysis.tests_under_way import UnderWay
from perfkit.model.finding import Place
from perfkit.model.gate import WHOLE, CountKey, Counts
from perfkit.model.recording import Frame, Recording, Request, Span
from perfkit.shared.origin import is_own_probe, module_path

_COMMITS = ("COMMIT", "END")
# What has a place in the project that led to it.
_PLACED = ("statement", "host", "call")


def count(recording: Recording, skip: int | None = None) -> Counts:
    """Of requests that the probe saw, without the first `skip` of each endpoint in each process, which open connections, import and
    fill caches; with None of the whole run."""
    if skip is None:
        return _add_up(recording, lambda span: WHOLE, {WHOLE: 1})
    requests = _counted(recording, skip)
    return _add_up(recording, lambda span: requests.get((span.process, span.request)), Counter(requests.values()))


def count_tests(recording: Recording) -> Counts:
    """Of each test of a suite, whichever thread did it and whichever request of its own client it was for. Without tests there are no
    units. A test imports a module once."""
    tests = UnderWay(recording)
    found = _add_up(recording, tests.at, tests.repeats)
    once = {key: min(n, tests.repeats[key.unit]) for key, n in found.totals.items() if key.what == "import"}
    imports = Counter[CountKey]()
    for key, n in once.items():
        imports[CountKey(key.unit, "imports")] += n
    return Counts({**found.totals, **once, **imports}, found.repeats, found.places)


def with_imports(counts: Counts, files: Iterable[str], root: str) -> Counts:
    """The modules of a whole run as well, by their `files`; those below `root` are named from there. An endpoint or a test counts what
    is imported while it runs."""
    if WHOLE not in counts.repeats:
        return counts
    names = {_module(file, root) for file in files if not is_own_probe(file)}
    found = {CountKey(WHOLE, "imports"): len(names), **{CountKey(WHOLE, "import", name): 1 for name in names}}
    return replace(counts, totals={**counts.totals, **found})


def _module(file: str, root: str) -> str:
    path = module_path(file)
    return path if path != file or not Path(file).is_relative_to(root) else str(Path(file).relative_to(root))


def _add_up(recording: Recording, unit_of: Callable[[Span], str | None], repeats: Mapping[str, int]) -> Counts:
    totals: Counter[CountKey] = Counter()
    places: dict[CountKey, Place] = {}
    text_of = _texts(recording)
    for span in recording.spans:
        unit = unit_of(span)
        if unit is None:
            continue
        for key, n in _keys(unit, span, text_of(span)):
            totals[key] += n
            if key.what in _PLACED and key not in places and (found := place(recording, span.stack)) is not None:
                places[key] = found
    return Counts(totals, repeats, places)


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


def function_name(frame: Frame, project: tuple[str, ...]) -> str:
    """`shop/orders.py:Order.total`: the same wherever the project lies."""
    for folder in project:
        if Path(frame.file).is_relative_to(folder):
            return f"{Path(frame.file).relative_to(folder)}:{frame.function}"
    return f"{module_path(frame.file)}:{frame.function}"


def _texts(recording: Recording) -> Callable[[Span], str]:
    """What a span is about."""

    @cache
    def function(stack: int) -> str:
        return function_name(recording.stacks.expand(stack)[-1], recording.run.project)

    def text(span: Span) -> str:
        if span.kind == "call":
            return function(span.stack)
        return recording.names[span.name].text if span.name in recording.names else ""

    return text


def _keys(unit: str, span: Span, text: str) -> list[tuple[CountKey, int]]:
    if span.kind == "sql":
        return [(CountKey(unit, "queries"), 1), (CountKey(unit, "statement", text), 1)]
    if span.kind == "fetch":
        return [(CountKey(unit, "rows"), span.count or 0)]
    if span.kind == "connect":
        return [(CountKey(unit, "connections"), 1)]
    if span.kind == "transaction" and text.upper().startswith(_COMMITS):
        return [(CountKey(unit, "commits"), 1)]
    if span.kind == "http":
        return [(CountKey(unit, "external"), 1), (CountKey(unit, "host", text), 1)]
    if span.kind == "call":
        return [(CountKey(unit, "calls"), span.count or 0), (CountKey(unit, "call", text), span.count or 0)]
    if span.kind == "import":
        return [(CountKey(unit, "imports"), 1), (CountKey(unit, "import", text), 1)]
    return []


def place(recording: Recording, stack: int) -> Place | None:
    """The innermost frame of the project's."""
    for frame in reversed(recording.stacks.expand(stack)):
        if frame.origin == "app":
            return Place(frame.file, frame.line, frame.function, frame.origin)
    return None
