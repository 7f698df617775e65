"""Reports room: what gates on a machine are worth, as text."""

from __future__ import annotations

from collections.abc import Iterable

from perfkit.model.gate import Calibration
from perfkit.reports.visible import visible
from perfkit.shared import units


def render(found: Iterable[Calibration]) -> str:
    lines: list[str] = []
    for one in found:
        sees = (
            "not even one that is twice as slow" if one.sees is None else f"{units.change(one.sees)} CPU time or more"
        )
        lines += [
            f"{one.unit}  {units.seconds(one.seconds)} of CPU, a pair strays by {units.share(one.spread)} ({one.measured} pairs)",
            f"  unchanged code: {units.share(one.wrong)} of gates fail, {units.share(one.inconclusive)} have no answer",
            f"  a gate takes {one.pairs:.0f} pairs in the mean",
            f"  found in 19 gates of 20: {sees}",
        ]
    lines.append("Counts (statements, connections, commits) are exact on every machine.")
    return "".join(visible(line) + "\n" for line in lines)
