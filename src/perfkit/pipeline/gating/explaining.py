"""Explaining: a breach comes in; which function or statement grew, where, and since which commit goes out with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.analysis import analyse, changed_callers
from perfkit.analysis.compare import beyond_chance, changed_caller, functions, functions_of, per
from perfkit.analysis.difference_tree import tree
from perfkit.errors import PerfkitError
from perfkit.gate.blame import changed_functions, changed_lines, since
from perfkit.gate.count_verdict import told_calls
from perfkit.gate.counts import judge
from perfkit.gate.revisions import Revision
from perfkit.model.analysis import Analysis
from perfkit.model.difference import Sampled
from perfkit.model.finding import Place
from perfkit.model.gate import Breach, FunctionChange, grown_calls
from perfkit.pipeline.gating.counting import Counting
from perfkit.pipeline.gating.libraries import LIBRARIES_DIFFER
from perfkit.pipeline.gating.sampling import sampled
from perfkit.pipeline.gating.sides import Side
from perfkit.shared import units

# A function that grew by less than this of what the endpoint did explains nothing.
_LEAST = 0.25
_MOST = 3
# Samples of a side; fewer tell functions apart by chance.
_FEWEST = 50


@dataclass(frozen=True)
class Explaining:
    """What is needed to look again at both sides; `sampled` is what was seen of them."""

    revision: Revision
    countings: tuple[Counting, Counting]
    folder: Path
    timeout: float
    say: Callable[[str], None]
    sampled: list[Sampled] = field(default_factory=list)

    def explained(self, breaches: Sequence[Breach]) -> tuple[Breach, ...]:
        """The same, with why and where. The first few that are slower are looked at again; the others say where, if known."""
        left = _MOST
        done = []
        for breach in breaches:
            if breach.metric in ("cpu", "wall") and left:
                left -= 1
                breach = self._slower(breach)
            if breach.metric in ("cpu", "wall") and breach.why is None:
                breach = self._called(breach)
            elif breach.metric not in ("cpu", "wall"):
                breach = changed_place(self.revision, breach, self.countings[1].recordings[0])
            done.append(self._by_a_library(dated(self.revision, breach)))
        return tuple(done)

    def _by_a_library(self, breach: Breach) -> Breach:
        """What no line of the project explains may come from what it is built on."""
        differ = next((note for note in self.countings[0].side.notes if note.startswith(LIBRARIES_DIFFER)), None)
        if differ is None or breach.since is not None:
            return breach
        return replace(breach, why="; ".join(one for one in (breach.why, differ) if one))

    def _slower(self, breach: Breach) -> Breach:
        self.say(f"sampling {breach.unit} on both sides")
        try:
            before, after = (self._sampled(counting, breach.unit) for counting in self.countings)
        except PerfkitError:
            return breach  # the verdict stands without its why
        if min(before.samples, after.samples) < _FEWEST:
            return breach
        # An endpoint without a route was named by its URL, which is all that is sampled then.
        routes = {one.endpoint for one in after.endpoints if one.source != "load"}
        endpoint = breach.unit if after.kind == "server" and breach.unit in routes else None
        grown = functions(before, after, endpoint)
        if all(one.unit != breach.unit for one in self.sampled):
            told = beyond_chance(grown)
            found = tree(before, after, endpoint)
            self.sampled.append(Sampled(breach.unit, per(before, after), told, len(grown) - len(told), found))
        if breach.baseline is None:
            return breach
        if breach.metric == "cpu":
            grown = functions_of(before, after, endpoint, (breach.baseline, breach.current))
        if not grown:
            return breach
        first = grown[0]
        if first.current - first.baseline < _LEAST * (breach.current - breach.baseline):
            return breach
        where = first.where
        if where is not None and since(self.revision, where) is None:
            grown_at = where
            where = _nearest(self.revision, lambda lines: changed_caller(after, endpoint, grown_at, lines)) or where
        certain = first.current - first.baseline > first.error
        return replace(breach, why=_told(first) if certain else None, where=where)

    def _called(self, breach: Breach) -> Breach:
        """Samples explain nothing: what is called more often may."""
        before, after = (counting.counts for counting in self.countings)
        grown = grown_calls(judge(before, after), breach.unit)
        return replace(breach, why=told_calls(grown), where=breach.where or grown[0].where) if grown else breach

    def _sampled(self, counting: Counting, unit: str) -> Analysis:
        from perfkit.recordings import load

        urls = _urls(counting.side, counting, unit)
        return analyse(load(sampled(counting.side, urls, self.folder, self.timeout)))


def changed_place(revision: Revision, breach: Breach, recording: Path) -> Breach:
    """At the line that was changed, where the one that sent the statement was not: `recording` has the stacks."""
    from perfkit.recordings import load

    place = breach.where
    if place is None or since(revision, place) is not None:
        return breach
    recorded = load(recording)
    found = _nearest(revision, lambda lines: changed_callers.changed_caller(recorded, place, lines))
    return replace(breach, where=found) if found else breach


def _nearest(revision: Revision, find: Callable[[Mapping[str, frozenset[int]]], Place | None]) -> Place | None:
    """A changed line that calls; else a line of a function in which something else was changed, which is what is shown then."""
    exact = changed_lines(revision)
    found = find(exact)
    if found is not None:
        return found
    near = changed_functions(exact)
    found = find({file: frozenset(lines) for file, lines in near.items()})
    return replace(found, line=near[found.file][found.line]) if found else None


def dated(revision: Revision, breach: Breach) -> Breach:
    """With the commit that touched its place since the baseline."""
    return breach if breach.where is None else replace(breach, since=since(revision, breach.where))


def _urls(side: Side, counting: Counting, unit: str) -> tuple[str, ...]:
    from perfkit.targets.address import parse

    return tuple(url for url in side.urls if counting.units.get(parse(url).endpoint) == unit) or side.urls


def _told(change: FunctionChange) -> str:
    if not change.baseline:
        return f"{change.function} is new, and takes {units.seconds(change.current)}"
    return f"{change.function} takes {units.seconds(change.current)}, {units.seconds(change.baseline)} before"
