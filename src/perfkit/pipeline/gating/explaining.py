"""Explaining: a breach comes in; which function or statement grew, where, and since which commit goes out with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perfkit.analysis import analyse
from perfkit.analysis.compare import changed_caller, functions
from perfkit.errors import PerfkitError
from perfkit.gate.blame import changed_lines, since
from perfkit.gate.revisions import Revision
from perfkit.model.analysis import Analysis
from perfkit.model.gate import Breach, FunctionChange
from perfkit.model.target import Load, Workload
from perfkit.pipeline.gating.counting import Counting
from perfkit.pipeline.gating.sides import Side
from perfkit.pipeline.values import Options
from perfkit.shared import units

# So long is each side sampled again for an endpoint that is slower.
_SECONDS = 4.0
_RATE = 100.0
# A function that grew by less than this of what the endpoint did explains nothing.
_LEAST = 0.25
_MOST = 3
# Samples of a side; fewer tell functions apart by chance.
_FEWEST = 50


@dataclass(frozen=True)
class Explaining:
    """What is needed to look again at both sides."""

    revision: Revision
    countings: tuple[Counting, Counting]
    folder: Path
    timeout: float
    say: Callable[[str], None]

    def explained(self, breaches: Sequence[Breach]) -> tuple[Breach, ...]:
        """The same, with why and where. The first few that are slower are looked at again; the others say where, if known."""
        left = _MOST
        done = []
        for breach in breaches:
            if breach.metric in ("cpu", "wall") and left:
                left -= 1
                breach = self._slower(breach)
            if breach.where is not None:
                breach = replace(breach, since=since(self.revision, breach.where))
            done.append(breach)
        return tuple(done)

    def _slower(self, breach: Breach) -> Breach:
        self.say(f"sampling {breach.unit} on both sides")
        try:
            before, after = (self._sampled(counting, breach.unit) for counting in self.countings)
        except PerfkitError:
            return breach  # the verdict stands without its why
        if min(before.samples, after.samples) < _FEWEST:
            return breach
        endpoint = breach.unit if after.kind == "server" else None
        grown = functions(before, after, endpoint)
        if not grown or breach.baseline is None:
            return breach
        first = grown[0]
        if first.current - first.baseline < _LEAST * (breach.current - breach.baseline):
            return breach
        where = first.where
        if where is not None and since(self.revision, where) is None:
            where = changed_caller(after, endpoint, where, changed_lines(self.revision)) or where
        return replace(breach, why=_told(first), where=where)

    def _sampled(self, counting: Counting, unit: str) -> Analysis:
        from perfkit.pipeline.measuring import measure
        from perfkit.recordings import load

        side = counting.side
        if not side.urls:
            return analyse(load(counting.recordings[0]))
        path = self.folder / f"{side.name}-why-{len(list(self.folder.iterdir()))}.perfkit"
        urls = _urls(side, counting, unit)
        workload = Workload(Load(urls, None, 1), ready=side.ready, ready_timeout=self.timeout)
        options = Options(
            workload=workload, duration=_SECONDS, warmup=0.5, rate=_RATE, project=(str(side.root),), probe=True
        )
        measured = measure(side.seeded(0, path.with_suffix(".log")), options, path)
        if measured.outcome.stopped_by == "signal":
            raise KeyboardInterrupt
        if measured.path is None:
            raise measured.failure or PerfkitError("nothing was measured.", "")
        return analyse(load(measured.path))


def _urls(side: Side, counting: Counting, unit: str) -> tuple[str, ...]:
    from perfkit.targets.address import parse

    return tuple(url for url in side.urls if counting.units.get(parse(url).endpoint) == unit) or side.urls


def _told(change: FunctionChange) -> str:
    if not change.baseline:
        return f"{change.function} is new, and takes {units.seconds(change.current)}"
    return f"{change.function} takes {units.seconds(change.current)}, {units.seconds(change.baseline)} before"
