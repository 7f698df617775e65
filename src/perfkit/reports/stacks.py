"""Reports room: an analysis comes in, what the exporters of stacks need goes out."""

from __future__ import annotations

from perfkit.errors import PerfkitError
from perfkit.model.analysis import Analysis
from perfkit.model.recording import StackTable
from perfkit.reports.labels import Shown, begins, shown
from perfkit.reports.relative import Paths


def demand_stacks(analysis: Analysis, form: str) -> None:
    """Raises PerfkitError where the recording has no stacks to export. The edges of a deterministic profile stand in `times` as
    stacks of two frames, and are none."""
    if analysis.times and analysis.run.engine != "cprofile":
        return
    if analysis.calls:
        raise PerfkitError(
            f"{form} needs stacks, and a deterministic profile (cProfile) has edges between callers and callees only.",
            "record with --engine py-spy, or render this recording with --format html",
        )
    raise PerfkitError(
        f"{form} needs stacks, and this recording holds no samples of measured time.",
        "run again for longer, or see --format terminal for what was not measured",
    )


class Frames:
    """The frames of a table as they are shown, and stacks as indices of those that are."""

    def __init__(self, stacks: StackTable, paths: Paths) -> None:
        self._stacks = stacks
        self.shown = [shown(frame, paths) for frame in stacks.frames]
        self.begins = [begins(frame) for frame in stacks.frames]

    def numbers(self, stack: int) -> list[int]:
        """Indices into the table's frames, root first, without the probe's marks. A request begins at its route, else at
        the application: how the server got there is the same for all, and spans do not know it."""
        parents, leaves = self._stacks.parents, self._stacks.leaves
        numbers: list[int] = []
        while stack:
            number = leaves[stack]
            if self.shown[number] is not None:
                numbers.append(number)
            if self.begins[number]:
                break
            stack = parents[stack]
        numbers.reverse()
        return numbers

    def at(self, number: int) -> Shown:
        """Of an index that `numbers` gave."""
        found = self.shown[number]
        assert found is not None
        return found
