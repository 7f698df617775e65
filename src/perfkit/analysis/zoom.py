"""Single lines: what each process counted comes in, functions with their lines go out, the hottest first."""

from __future__ import annotations

from collections import defaultdict

from perfkit.model.memory import LineTime
from perfkit.model.recording import Recording
from perfkit.model.zoom import LineTotal, Zoomed
from perfkit.shared.origin import Origins

Key = tuple[str, str, int]


def read(recording: Recording) -> tuple[Zoomed, ...]:
    origins = Origins(recording.run.project)
    by_function: defaultdict[Key, list[LineTime]] = defaultdict(list)
    for row in recording.lines:
        by_function[row.function, row.file, row.first_line].append(row)
    found = []
    for (function, file, first), rows in by_function.items():
        calls = sum({row.process: row.calls for row in rows}.values())
        by_line: defaultdict[int, list[LineTime]] = defaultdict(list)
        for row in rows:
            by_line[row.line].append(row)
        lines = tuple(
            LineTotal(line, sum(row.hits for row in same), sum(row.seconds for row in same))
            for line, same in sorted(by_line.items())
        )
        found.append(Zoomed(function, file, first, origins.of(file), calls, lines))
    return tuple(sorted(found, key=lambda zoomed: (-zoomed.seconds, zoomed.file, zoomed.first_line)))
