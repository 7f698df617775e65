"""Who led to a line that was not changed itself: spans of a recording come in, the nearest line that was changed goes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from perfkit.model.finding import Place
from perfkit.model.recording import Frame, Recording


def changed_caller(recording: Recording, place: Place, changed: Mapping[str, frozenset[int]]) -> Place | None:
    """Of the stacks that sent something from `place`, the innermost frame on a `changed` line (by absolute file); where they
    differ, that of the most."""
    stacks = Counter(span.stack for span in recording.spans)
    found: Counter[Frame] = Counter()
    for stack, spans in stacks.items():
        frames = recording.stacks.expand(stack)
        own = [frame for frame in reversed(frames) if frame.origin == "app"]
        if not own or (own[0].file, own[0].line) != (place.file, place.line):
            continue
        frame = next((frame for frame in own if frame.line in changed.get(frame.file, ())), None)
        if frame is not None:
            found[frame] += spans
    if not found:
        return None
    frame = found.most_common(1)[0][0]
    return Place(frame.file, frame.line, frame.function, frame.origin)
