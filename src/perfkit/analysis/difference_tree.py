"""Stacks of two analyses as one tree: what each function takes on one side and on the other, below the same callers.

A function is its name and its file below its own side's folder, whatever its line: both sides meet where the code is the same.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from heapq import nsmallest
from math import hypot, sqrt
from typing import NamedTuple

from perfkit.analysis.compare import LEAST, busier, divisors, file_of, straying
from perfkit.model.analysis import Analysis
from perfkit.model.difference import OTHER, DifferenceTree
from perfkit.model.recording import Frame
from perfkit.shared.origin import PROBE, ROUTE

# What is shown by itself, of the larger side; nodes of one tree; endpoints that have a tree of their own.
_CUT = 0.0005
_NODES = 3000
_ENDPOINTS = 12

Values = tuple[float, float, float]


class _Sums(NamedTuple):
    """Seconds by node, with all that lies below, and the square of what their difference may stray by. Of all others than
    `touched`, in the order of their numbers, they are nothing."""

    touched: list[int]
    baseline: array[float]
    current: array[float]
    straying: array[float]

    def at(self, node: int) -> Values:
        return self.baseline[node], self.current[node], self.straying[node]


def trees(before: Analysis, after: Analysis) -> tuple[DifferenceTree, ...]:
    """That of the whole, and those of endpoints that both sides have, most seconds first; none where a side has no samples."""
    if not before.times or not after.times:
        return ()
    merged = _Merged(before, after)
    return (merged.tree(None), *(merged.tree(name) for name in _common(before, after)))


def tree(before: Analysis, after: Analysis, endpoint: str | None) -> DifferenceTree:
    """That of one endpoint, or of the whole."""
    return _Merged(before, after).tree(endpoint)


def _common(before: Analysis, after: Analysis) -> list[str]:
    """None where there is but one endpoint, which is the whole."""
    seconds: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for side, analysis in enumerate((before, after)):
        for time in analysis.times:
            if time.endpoint is not None:
                seconds[time.endpoint][side] += time.seconds
    common = [name for name, (was, now) in seconds.items() if was and now]
    if after.kind != "server" or len(seconds) < 2:
        return []
    return sorted(common, key=lambda name: (-max(seconds[name]), name))[:_ENDPOINTS]


class _Merged:
    """The stacks of both sides; node 0 is the root, parents come before their children."""

    def __init__(self, before: Analysis, after: Analysis) -> None:
        self._sides = (before, after)
        self._frames: dict[tuple[str, str], Frame] = {}
        self._parents = array("l", [0])
        self._labels: list[tuple[str, str]] = [("", "")]
        self._children: dict[tuple[int, tuple[str, str]], int] = {}
        self._nodes = tuple(self._add(analysis) for analysis in self._sides)
        # In the tree of an endpoint its route is the root: these nodes are left out.
        self._routes = frozenset(node for node, (_, file) in enumerate(self._labels) if file == PROBE)

    def _add(self, analysis: Analysis) -> array[int]:
        """The node of each stack."""
        stacks = analysis.stacks
        labels = [self._label(frame, analysis) for frame in stacks.frames]
        begins = [_begins(frame) for frame in stacks.frames]
        nodes = array("l", [0])
        for stack in range(1, len(stacks)):
            leaf = stacks.leaves[stack]
            node = 0 if begins[leaf] else nodes[stacks.parents[stack]]
            label = labels[leaf]
            nodes.append(node if label is None else self._child(node, label))
        return nodes

    def _child(self, parent: int, label: tuple[str, str]) -> int:
        found = self._children.get((parent, label))
        if found is None:
            found = self._children[parent, label] = len(self._parents)
            self._parents.append(parent)
            self._labels.append(label)
        return found

    def _label(self, frame: Frame, analysis: Analysis) -> tuple[str, str] | None:
        """None for what the probe marks beside routes, which says nothing that its neighbours do not."""
        if frame.file == PROBE and not frame.function.startswith(ROUTE):
            return None
        label = (frame.function, file_of(frame, analysis.run.project))
        self._frames[label] = Frame(*label, 0, frame.origin)
        return label

    def tree(self, endpoint: str | None) -> DifferenceTree:
        sums = self._sums(endpoint)
        whole = max(sums.baseline[0], sums.current[0])
        machine = busier(*self._sides)
        names: dict[Frame, int] = {Frame(endpoint or "", "", 0, "native"): 0}
        depth, name = array("l"), array("l")
        baseline, current, error = array("d"), array("d"), array("d")
        for level, frame, (was, now, straying_) in self._rows(
            sums, self._routes if endpoint is not None else frozenset()
        ):
            depth.append(level)
            name.append(0 if frame is None else names.setdefault(frame, len(names)))
            baseline.append(was)
            current.append(now)
            error.append(hypot(sqrt(straying_), machine * max(was, now)))
        return DifferenceTree(endpoint, tuple(names), depth, name, baseline, current, error, LEAST * whole)

    def _sums(self, endpoint: str | None) -> _Sums:
        columns = [array("d", bytes(8 * len(self._parents))) for _ in range(3)]
        divided_by = divisors(*self._sides, endpoint)
        touched = {0}
        for side, (analysis, nodes) in enumerate(zip(self._sides, self._nodes, strict=True)):
            for time in analysis.times:
                if endpoint is None or time.endpoint == endpoint:
                    node = nodes[time.stack]
                    columns[side][node] += time.seconds / divided_by[side]
                    columns[2][node] += straying(time, analysis) / divided_by[side] ** 2
                    while node not in touched:
                        touched.add(node)
                        node = self._parents[node]
        ordered = sorted(touched)
        for node in reversed(ordered[1:]):
            for column in columns:
                column[self._parents[node]] += column[node]
        return _Sums(ordered, *columns)

    def _rows(self, sums: _Sums, left_out: frozenset[int]) -> Iterator[tuple[int, Frame | None, Values]]:
        """Depth, frame (None: the root) and sums in preorder, siblings from heavy to light; what is too small stands together
        behind its siblings."""
        weights = {node: max(sums.baseline[node], sums.current[node]) for node in sums.touched}
        kept = _kept(weights)
        children: defaultdict[int, list[int]] = defaultdict(list)
        rest: dict[int, Values] = {}
        for node in sums.touched[1:]:
            parent = 0 if self._parents[node] in left_out else self._parents[node]
            if node in left_out or not weights[node]:
                continue
            if node in kept:
                children[parent].append(node)
            elif parent in kept:
                rest[parent] = _plus(rest.get(parent, (0.0, 0.0, 0.0)), sums.at(node))
        pending = [(0, 0)]
        while pending:
            node, level = pending.pop()
            if node < 0:
                yield level, OTHER, rest[~node]
                continue
            yield level, self._frames[self._labels[node]] if node else None, sums.at(node)
            if node in rest:
                pending.append((~node, level + 1))
            pending += [(child, level + 1) for child in sorted(children[node], key=lambda one: (weights[one], -one))]


def _plus(one: Values, more: Values) -> Values:
    return one[0] + more[0], one[1] + more[1], one[2] + more[2]


def _kept(weights: Mapping[int, float]) -> set[int]:
    """A node is no heavier than its caller, which comes before it: whoever is kept has all its callers kept."""
    least = _CUT * weights[0]
    large = (node for node, weight in weights.items() if weight >= least)
    return set(nsmallest(_NODES, large, key=lambda node: (-weights[node], node)))


def _begins(frame: Frame) -> bool:
    """How the server got to a request is the same for all, and what the probe timed does not know it."""
    return frame.file == PROBE and (frame.function == "request" or frame.function.startswith(ROUTE))
