"""Findings room: what a process grew by at lines that import, by the project's line that asks for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfkit.findings.interface import View
from perfkit.model.memory import Import
from perfkit.model.recording import Frame


@dataclass
class Asked:
    """One line of the project. `loaded` is the first frame of what it imports, None where the line itself makes what takes the
    memory; bytes by process."""

    frame: Frame
    loaded: Frame | None
    by_process: Counter[int] = field(default_factory=Counter)
    lines: Counter[Frame] = field(default_factory=Counter)


def asked(view: View, imports: Iterable[Import]) -> list[Asked]:
    """Those that took most come first."""
    found: dict[tuple[str, str, int], Asked] = {}
    for one in imports:
        frames = view.analysis.stacks.expand(one.stack)
        at = max((index for index, frame in enumerate(frames) if frame.origin == "app"), default=None)
        if at is None:
            continue
        frame = frames[at]
        loaded = frames[at + 1] if at + 1 < len(frames) else None
        # What a module makes by itself is told of the module, not of each of its lines.
        key = (frame.file, loaded.file if loaded else "", frame.line if loaded else 0)
        line = found.setdefault(key, Asked(frame, loaded))
        line.by_process[one.process] += one.bytes
        line.lines[frame] += one.bytes
    return sorted(found.values(), key=lambda line: -max(line.by_process.values()))


def loaded_by(imports: Iterable[Import]) -> dict[int, int]:
    """Bytes that each process took by importing."""
    found: defaultdict[int, int] = defaultdict(int)
    for one in imports:
        found[one.process] += one.bytes
    return dict(found)
