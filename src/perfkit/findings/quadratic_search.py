"""Hot lines that walk or move a whole collection, each time round a loop."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from perfkit.findings.interface import Candidate, View, place
from perfkit.findings.linear_scan import Scan, scans
from perfkit.findings.rewrite import list_as_set
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence, Place
from perfkit.model.recording import Frame, SourceText, Stack
from perfkit.shared.frameworks import short_name
from perfkit.shared.pysource import Spot, spot

# Frames that a comparison, a sort key or a comprehension puts above the line that they belong to.
_PART_OF_LINE = {
    "__eq__",
    "__ne__",
    "__lt__",
    "__gt__",
    "__hash__",
    "__contains__",
    "<genexpr>",
    "<listcomp>",
    "<setcomp>",
    "<dictcomp>",
    "<lambda>",
}
LEAST = 0.03
# The share of its function's time that the line must hold: a search in a set or dict of unknown type never gets there.
LEAST_OF_FUNCTION = {True: 0.35, False: 0.85}
# Who hashes what it looks for does not walk: that is a set or a dict.
LEAST_HASHED = 0.1
# What going round a loop or calling a function costs beside a scan of a hundred elements is less than this.
LEAST_AROUND = 0.04


@dataclass
class HotLine:
    """Samples that stand on one statement of one function."""

    source: SourceText
    spot: Spot
    claim: dict[int, float] = field(default_factory=dict)
    n: int = 0
    frames: Counter[Frame] = field(default_factory=Counter)
    deciders: Counter[Place] = field(default_factory=Counter)
    called_in_loop: float = 0.0
    callers: set[tuple[str, int]] = field(default_factory=set)
    seconds: float = 0.0
    hashed: float = 0.0


class QuadraticSearch:
    """A collection is searched, moved or copied as a whole for every element of another.

    **What it sees.** Hot lines whose text walks a whole list (`in`, `index`, `remove`, `count`, a search loop), moves it
    (`pop(0)`, `insert(0, …)`) or copies what there is so far (`+=` on text, `x = x + […]`, `sorted` in a loop), in a loop
    of the same function or of one that calls it; in the project's code and in libraries.

    **Why it hurts.** The work grows with the square of the input: ten times the rows take a hundred times as long.

    **Before**

        seen = []
        for row in rows:
            if row.key not in seen:
                seen.append(row.key)

    **After**

        seen = set()
        for row in rows:
            if row.key not in seen:
                seen.add(row.key)

    **When to ignore it.** The collection has a fixed, small size.
    """

    name: ClassVar[str] = "quadratic-search"
    summary: ClassVar[str] = "a collection is walked, moved or copied as a whole for every element of another"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        function_seconds = _function_seconds(view)
        line_seconds = _line_seconds(view)
        for hot in self._hot_lines(view):
            found = next(iter(sorted(scans(hot.spot), key=lambda scan: not scan.sure)), None)
            if found is None or view.share(hot.seconds) < LEAST:
                continue
            frame = hot.frames.most_common(1)[0][0]
            whole = function_seconds[frame.file, _owner(frame)]
            if hot.seconds < LEAST_OF_FUNCTION[found.sure] * whole:
                continue
            if not found.sure and (hot.hashed > LEAST_HASHED * hot.seconds or _is_quick(hot, line_seconds)):
                continue
            loops = len(hot.spot.loops) + (1 if hot.called_in_loop > 0.5 * hot.seconds else 0) + found.loops
            if loops or (found.own_loop and view.analysis.kind == "server"):
                yield self._candidate(view, hot, found, frame, loops)

    def _hot_lines(self, view: View) -> Iterator[HotLine]:
        found: dict[tuple[str, int, int], HotLine] = {}
        for time in view.code:
            if time.state != "running":
                continue
            frames = view.inner(time)
            index = _line_frame(frames)
            if index is None:
                continue
            frame = frames[index]
            source = view.lines.function(frame.file, frame.line)
            here = spot(source, frame.line) if source is not None else None
            if source is None or here is None:
                continue
            key = (frame.file, here.first_line, here.last_line)
            _add(found.setdefault(key, HotLine(source, here)), view, time, frames, index)
        yield from sorted(found.values(), key=lambda hot: -hot.seconds)

    def _candidate(self, view: View, hot: HotLine, scan: Scan, frame: Frame, loops: int) -> Candidate:
        in_project = view.is_project(frame)
        decided = hot.deciders.most_common(1)
        where = place(frame) if in_project or not decided else decided[0][0]
        text = (view.lines.text(frame.file, hot.spot.first_line) or "").rstrip()
        sure = scan.sure and loops > 0
        return Candidate(
            rule=self.name,
            title=f"{_owner(frame)}(): {scan.what}" + (", in a loop" if loops else ", for each call"),
            claim=hot.claim,
            where=where,
            inside=None if in_project else view.inside(frame),
            evidence=(
                Evidence(
                    f"{view.observed(hot.n)} stand on `{text.strip()[:100]}`.",
                    hot.n,
                    "samples",
                    n=hot.n,
                    where=place(frame),
                ),
            ),
            advice=Advice(scan.advice, _diff(hot.source, text, scan) if in_project else None),
            saves=(0.7, 0.99),
            confidence=Confidence(
                "high" if sure and hot.n >= 20 else "medium",
                "the line's text and the samples agree"
                if sure
                else "the type or size of the collection is not visible",
            ),
            least=LEAST,
            detail=scan.what.split("`")[1],
        )


def _diff(source: SourceText, line: str, scan: Scan) -> str | None:
    """The repair, where it is a matter of the line or of the function's own list."""
    if scan.replace is not None and scan.replace[0] in line:
        return f"-{line}\n+{line.replace(*scan.replace)}"
    return list_as_set(source, scan.searched) if scan.searched else None


def _is_quick(hot: HotLine, line_seconds: Mapping[tuple[str, int], float]) -> bool:
    """Whether going round the loop, or calling the function, costs as much as the line's share would allow a hash lookup: a
    true scan dwarfs both. Only where the type of the collection is not known does this decide."""
    file = hot.source.file
    around = {(file, loop.lineno) for loop in hot.spot.loops} | set(hot.callers)
    three_looks = 3 * hot.seconds / hot.n
    return sum(line_seconds.get(line, 0.0) for line in around) > max(LEAST_AROUND * hot.seconds, three_looks)


def _line_seconds(view: View) -> dict[tuple[str, int], float]:
    """Running seconds of the stacks that end on a line."""
    found: defaultdict[tuple[str, int], float] = defaultdict(float)
    for time in view.code:
        frames = view.inner(time)
        if time.state == "running" and frames:
            found[frames[-1].file, frames[-1].line] += time.seconds
    return found


def _line_frame(frames: Stack) -> int | None:
    """The leaf, or the line that the leaf is a part of."""
    index = len(frames) - 1
    while index > 0 and short_name(frames[index].function) in _PART_OF_LINE:
        below = frames[index - 1]
        if below.file != frames[index].file and short_name(frames[index].function).startswith("<"):
            break
        index -= 1
    return index if index >= 0 else None


def _add(hot: HotLine, view: View, time: StackTime, frames: Stack, index: int) -> None:
    frame = frames[index]
    hot.claim[time.stack] = 1.0
    hot.n += time.n
    hot.seconds += time.seconds
    hot.frames[frame] += time.n
    if index:
        hot.callers.add((frames[index - 1].file, frames[index - 1].line))
    if short_name(frames[-1].function) == "__hash__":
        hot.hashed += time.seconds
    decider = view.deciding(frames, index)
    if decider is not None:
        hot.deciders[place(decider)] += time.n
    if _called_in_loop(view, frames[max(0, index - 3) : index]):
        hot.called_in_loop += time.seconds


def _called_in_loop(view: View, callers: Stack) -> bool:
    """Whether one of the nearest callers stands inside a loop of its own."""
    for caller in callers:
        source = view.lines.function(caller.file, caller.line)
        here = spot(source, caller.line) if source is not None else None
        if here is not None and (here.loops or short_name(caller.function) in _PART_OF_LINE):
            return True
    return False


def _owner(frame: Frame) -> str:
    """The function that a comprehension's own frame is written in."""
    name = frame.function
    while name.rpartition(".")[2] in _PART_OF_LINE and ".<locals>." in name:
        name = name.rpartition(".<locals>.")[0]
    return name


def _function_seconds(view: View) -> dict[tuple[str, str], float]:
    """Running seconds of the stacks that end in a function's own lines or their parts."""
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for time in view.code:
        frames = view.inner(time)
        index = _line_frame(frames) if time.state == "running" else None
        if index is not None:
            found[frames[index].file, _owner(frames[index])] += time.seconds
    return found
