"""What a statement costs in all: its own seconds, and the sampled ones of the mapper and driver that make and read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from perfkit.findings.interface import View
from perfkit.findings.rank import LEAST_LOOKS
from perfkit.findings.sql_uses import deciding, innermost, is_mapper, project_frames, site, spot_of
from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.recording import Frame, Stack
from perfkit.shared.origin import PROBE

# A row that a mapper turns into an object costs about as much as this part of a statement that it makes and sends: 6 µs
# against 150 µs in Django 5.2, 5 µs against 120 µs in SQLAlchemy 2.
_ROW = 0.04
_NEAR = 3
_OWN_PROBE = "/perfkit_probe/"
Works = dict[int, dict[int, float]]
Function = tuple[str, str]


def claim_of(view: View, uses: Iterable[SpanUse], part: float = 1.0) -> dict[int, float]:
    """Stacks of these uses with the fraction of them that is theirs, times `part`. The project's own work at their lines is
    not among them. Few samples would decide whether there is a finding: then what was timed stands alone."""
    works, whole = _works(view), _by_stack(view)
    claim: defaultdict[int, float] = defaultdict(float)
    sampled: defaultdict[int, float] = defaultdict(float)
    for use in uses:
        claim[use.stack] += part * (use.seconds / whole[use.stack] if whole[use.stack] else 0.0)
        for stack, fraction in works.get(id(use), {}).items():
            sampled[stack] += part * fraction
    if sum(time.n * sampled[time.stack] for time in view.code if time.stack in sampled) >= LEAST_LOOKS:
        claim.update(sampled)
    return {stack: min(1.0, fraction) for stack, fraction in claim.items() if fraction > 0}


def _by_stack(view: View) -> Counter[int]:
    """Seconds of all uses that share a stack."""
    found: Counter[int] | None = view.notes.get("seconds of uses by stack")
    if found is None:
        found = Counter()
        for use in view.analysis.uses:
            if use.kind not in ("block", "render"):
                found[use.stack] += use.seconds  # type: ignore[assignment]
        view.notes["seconds of uses by stack"] = found
    return found


def _works(view: View) -> Works:
    """By use (its id): the fractions of sampled stacks that work for it."""
    found: Works | None = view.notes.get("sampled work of statements")
    if found is None:
        view.notes["sampled work of statements"] = found = _divided(view)
    return found


def nearest_uses(view: View, frame: Frame, endpoint: str | None) -> list[SpanUse]:
    """The statements of a project's line, else of the nearest line of its function: a queryset is often built a line or two
    away from where it runs. Of one endpoint, where any are of that."""
    by_line: dict[Function, dict[int, list[SpanUse]]] | None = view.notes.get("statements by line")
    if by_line is None:
        view.notes["statements by line"] = by_line = {}
        for use in view.analysis.uses:
            if use.kind in ("sql", "transaction"):
                file, function, number = spot_of(site(view, use))
                by_line.setdefault((file, function), {}).setdefault(number, []).append(use)
    lines = by_line.get((frame.file, frame.function), {})
    line = min(lines, key=lambda known: (abs(known - frame.line), known), default=None)
    if line is None or abs(line - frame.line) > _NEAR:
        return []
    return [use for use in lines[line] if use.endpoint == endpoint] or lines[line]


def _divided(view: View) -> Works:
    found: Works = {}
    for time in view.code:
        frames = view.inner(time)
        at = None if time.timed else innermost(view, frames)
        if at is None:
            chosen = [] if time.timed else _asked_by_libraries(view, frames, time.endpoint)
        else:
            chosen = _asked_by_project(view, frames, at, time)
        total = sum(map(_weight, chosen))
        for use in chosen:
            found.setdefault(id(use), {})[time.stack] = _weight(use) / total
    return found


def _asked_by_project(view: View, frames: Stack, at: int, time: StackTime) -> list[SpanUse]:
    """Statements of the project's line, at the index `at`, for which the frames above it work."""
    above = frames[at + 1 :]
    asking = frames[deciding(view, frames, at)]
    uses = nearest_uses(view, asking, time.endpoint)
    if not above and time.state == "io":  # the driver's C code has no frames of its own
        return [use for use in uses if spot_of(site(view, use)) == spot_of(asking)]
    return _asked(view, above, uses) if _works_for_statements(view, above) else []


def _asked_by_libraries(view: View, frames: Stack, endpoint: str | None) -> list[SpanUse]:
    """Statements of a handler that has no line of the project's: a generic view, a serializer that reads relations."""
    begin = view.handled(frames)
    above = frames[begin:]
    if not begin or endpoint is None or not any(is_mapper(view, frame) for frame in above):
        return []
    known: dict[str | None, list[SpanUse]] | None = view.notes.get("statements without a project's line")
    if known is None:
        view.notes["statements without a project's line"] = known = {}
        for use in view.analysis.uses:
            if use.kind in ("sql", "transaction") and not project_frames(view, use):
                known.setdefault(use.endpoint, []).append(use)
    return _asked(view, above, known.get(endpoint, []))


def _weight(use: SpanUse) -> float:
    return use.count + _ROW * (use.rows or 0)


def _works_for_statements(view: View, above: Stack) -> bool:
    """Whether what runs above a project's line is a mapper or driver, with no code of the project's in it; or the probe,
    that writes down what the driver did."""
    if not above:
        return False
    return any(is_mapper(view, frame) for frame in above) or all(
        _OWN_PROBE in frame.file or frame.file == PROBE for frame in above
    )


def _asked(view: View, above: Stack, uses: Sequence[SpanUse]) -> list[SpanUse]:
    """Of the statements of one line those with most library frames in common with this stack: that tells a relation loaded
    late from the query around it; then those with fewest others."""
    seen = {(frame.file, frame.function) for frame in above}
    scores = [_common(view, use, seen) for use in uses]
    best = max(scores, default=(0, 0))
    return [use for use, score in zip(uses, scores, strict=True) if score == best]


def _common(view: View, use: SpanUse, seen: set[tuple[str, str]]) -> tuple[int, int]:
    frames = view.analysis.stacks.expand(use.stack)[:-1]
    found = [(frame.file, frame.function) in seen for frame in frames if frame.origin != "app" and frame.file != PROBE]
    return sum(found), -found.count(False)
