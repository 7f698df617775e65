"""Reports room: an analysis comes in, what the exporters of stacks need goes out."""

from __future__ import annotations

from perfkit.errors import PerfkitError
from perfkit.model.analysis import Analysis
from perfkit.model.recording import StackTable


def demand_stacks(analysis: Analysis, form: str) -> None:
    """Raises PerfkitError where the recording has no stacks to export."""
    if analysis.times:
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


def frame_numbers(stacks: StackTable, stack: int) -> list[int]:
    """Indices into `stacks.frames`, root first: a tenth of the work of comparing frames."""
    numbers: list[int] = []
    while stack:
        numbers.append(stacks.leaves[stack])
        stack = stacks.parents[stack]
    numbers.reverse()
    return numbers
