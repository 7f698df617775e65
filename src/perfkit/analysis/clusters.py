"""The stretches of time over which intervals are computed: what happens within one of them is not independent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from perfkit.model.analysis import Kind
from perfkit.model.recording import Process, Recording, Window


def of(recording: Recording, kind: Kind) -> tuple[Callable[[float], int], Callable[[int], int]]:
    """The cluster of a moment, and the one of a window's id or of what `rows` has made of it."""
    if kind == "script":
        clusters = Clusters(recording, command_process(recording))
        return clusters.at_moment, lambda cluster: cluster
    middles = {window.id: window.start + window.seconds / 2 for window in recording.windows}
    return _piece, lambda window: _piece(middles.get(window, 0.0))


def _piece(moment: float) -> int:
    return int(moment // Clusters.PIECE)


class Clusters:
    """The stretches of time over which a script's intervals are computed: the windows of the process that is the command,
    or, where that is not Python, pieces of four seconds."""

    PIECE = 4.0

    def __init__(self, recording: Recording, command: Process | None) -> None:
        own = [w for w in recording.windows if command and w.process == command.id and w.kind == "wall"]
        self._windows = sorted(own, key=lambda window: window.start)
        self._starts = [window.start for window in self._windows]
        self._end = recording.run.duration

    def at(self, window: Window) -> int:
        return self.at_moment(window.start + window.seconds / 2)

    def at_moment(self, moment: float) -> int:
        if not self._windows:
            return _piece(moment)
        return self._windows[max(bisect_right(self._starts, moment) - 1, 0)].id

    def length(self, cluster: int) -> float:
        """Wall seconds of a piece; the last one ends with the run."""
        return max(0.0, min(self.PIECE, self._end - cluster * self.PIECE))


def command_process(recording: Recording) -> Process | None:
    """The process that is the command itself: the only one that no other Python process of the target started. Orphans,
    whose parent is 1, were started by one."""
    pids = {process.pid for process in recording.processes}
    roots = [p for p in recording.processes if p.parent_pid not in pids and (p.parent_pid != 1 or p.id == 1)]
    return roots[0] if len(roots) == 1 else None
