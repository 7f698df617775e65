"""What tracemalloc saw stay: rows by stack come in, lines by which memory grew go out, the most first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from perfkit.model.growth import LineGrowth
from perfkit.model.memory import Allocation
from perfkit.model.recording import Frame, Origin, Request, StackTable


def read(
    rows: Sequence[Allocation], stacks: StackTable, requests: Mapping[int, Sequence[Request]]
) -> tuple[LineGrowth, ...]:
    """Of all processes, those that serve alone where any do: the others keep their imports. What a library allocated belongs to the
    project's line that called it, as far as the kept frames reach, and the project's lines come first; what shrank, or has no
    frames, is left out."""
    windows = {(row.process, row.began, row.ended) for row in rows}
    served = Counter(
        {
            process: sum(began <= one.start + one.seconds <= ended for one in requests.get(process, ()))
            for process, began, ended in windows
        }
    )
    serving = {process for process, n in served.items() if n} or set(served)
    origins: dict[str, Origin] = {}
    by_line: defaultdict[tuple[str, str, int], list[Allocation]] = defaultdict(list)
    for row in rows:
        frame = _deciding(stacks.expand(row.stack))
        if frame is not None and row.process in serving:
            origins[frame.file] = frame.origin
            by_line[frame.file, frame.function, frame.line].append(row)
    seconds = max((ended - began for process, began, ended in windows if process in serving), default=0.0)
    found = []
    for (file, function, line), same in by_line.items():
        grown, blocks = sum(row.more_bytes for row in same), sum(row.more_blocks for row in same)
        if grown > 0:
            most = max(same, key=lambda row: row.more_bytes)
            whose = (function, file, line, origins[file])
            found.append(LineGrowth(*whose, blocks, grown, seconds, served.total(), most.stack))
    return tuple(sorted(found, key=lambda one: (one.origin != "app", -one.bytes, one.file, one.line)))


def _deciding(frames: Sequence[Frame]) -> Frame | None:
    """The project's frame nearest to the allocation, else that of the allocation."""
    own = next((frame for frame in reversed(frames) if frame.origin == "app"), None)
    return own or (frames[-1] if frames else None)
