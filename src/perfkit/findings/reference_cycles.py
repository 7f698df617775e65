"""Objects that refer to one another in circles, and wait for a collection."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, View, place
from perfkit.findings.memory_list import memory_of
from perfkit.findings.native_growth_heaps import heaps
from perfkit.model.finding import Advice, Confidence, Evidence, Place
from perfkit.model.growth import HeapUse
from perfkit.model.memory import Garbage
from perfkit.shared import units
from perfkit.shared.origin import Origins

# Objects a second, and the share of the time.
_MANY = 1000.0
_TIME = 0.03
# Seconds for each object that is found: collections that take longer walk through others.
_EACH = 2e-6
# Bytes that one collection frees: so much waits for it.
_HEAVY = 16 << 20
_LEAST_LOOKS = 3
_MOST = 0.5


class ReferenceCycles:
    """A server makes objects that refer to one another in circles. They stay until a collection of garbage finds them.

    **What it sees.** With --memory: what collections find, by type, twice a second. It is reported where they find 1,000 objects a second
    and take 3 % of the time, or where one frees 16 MB or more, again and again. A framework's own small cycles cost neither.

    **Why it hurts.** Without a cycle an object goes the moment that nothing refers to it. In one it waits until 700 objects have come
    since the last collection, however large each of them is: buffers, responses and connections wait with it.

    **Before**

        class Node:
            def __init__(self, parent):
                self.parent = parent                # the parent has it in its children

    **After**

        class Node:
            def __init__(self, parent):
                self.parent = weakref.ref(parent)

    An exception that is kept (`self.error = error`) holds its traceback, all frames of it, and what they hold: `del error`, or keep its
    text.

    **When to ignore it.** The objects are small, and collections cheap.
    """

    name: ClassVar[str] = "reference-cycles"
    summary: ClassVar[str] = "objects in cycles wait for collections, which take time or free much at once"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        looked = heaps(view)
        garbage = memory_of(view).garbage
        for heap in looked:
            seen = [found for found in garbage if found.process == heap.process]
            heavy = [found for found in seen if found.freed >= _HEAVY]
            costly = cost_time(heap)
            if len(heavy) >= _LEAST_LOOKS or (costly and len(seen) >= _LEAST_LOOKS):
                # The others are alike: workers of one server.
                yield self._cause(view, heap, heavy if len(heavy) >= _LEAST_LOOKS else seen, costly)
                return

    def _cause(self, view: View, heap: HeapUse, seen: Sequence[Garbage], costly: bool) -> MemoryCause:
        name, number = _type(seen)
        where, upon = _places(view, seen, name)
        freed = int(median(found.freed for found in seen))
        largest = max(found.freed for found in seen)
        heavy = freed >= _HEAVY
        what = name or "several types"
        claims = [
            Evidence(
                f"{units.plural(len(seen), 'collection')} that were looked at found {units.count(median(f.collected for f in seen))} "
                f"objects each and freed {units.size(freed)} (up to {units.size(largest)})"
                + (f"; most were {what}, {number:.0f} at a time." if name else "."),
                freed,
                "bytes",
                n=len(seen),
            ),
            Evidence(
                f"Process {heap.pid} collects {units.count(heap.collected)} objects a second, in {units.share(heap.gc_share)} of the time.",
                round(heap.gc_share, 4),
                "share",
                n=heap.looks,
            ),
        ]
        if upon is not None:
            claims.append(Evidence(f"Most collections came upon {upon.function}.", upon.line, "line", where=upon))
        title = (
            f"Cycles of {what} hold up to {units.size(largest)} until a collection comes"
            if heavy
            else f"Cycles of {what} cost {units.share(heap.gc_share)} of the time in collections"
        )
        return MemoryCause(
            rule=self.name,
            title=title,
            bytes=max(1, largest),
            where=where or upon,
            evidence=tuple(claims),
            advice=Advice(_advice(name)),
            confidence=Confidence("high" if name else "medium", "collections were looked at in the process itself"),
            share=heap.gc_share if costly else 0.0,
            detail=name,
        )


def cost_time(heap: HeapUse) -> bool:
    """Whether collections take time because of what they find."""
    return heap.collected >= _MANY and _TIME <= heap.gc_share <= _EACH * heap.collected


def _type(seen: Sequence[Garbage]) -> tuple[str, float]:
    """The type that was the first one at most looks, and how many of it there were; nothing where none was."""
    counts: defaultdict[str, list[int]] = defaultdict(list)
    told = [found.types.split(", ")[0].rpartition(" ") for found in seen if found.types]
    for name, _, number in told:
        if number.isdigit():
            counts[name].append(int(number))
    most = max(counts, key=lambda name: len(counts[name]), default="")
    return (most, median(counts[most])) if most and len(counts[most]) >= _MOST * len(told) else ("", 0.0)


def _places(view: View, seen: Sequence[Garbage], name: str) -> tuple[Place | None, Place | None]:
    """Where the type is written, if that is in the project, and the project's line that most collections came upon."""
    own = next((found for found in seen if found.line and found.types.startswith(f"{name} ")), None) if name else None
    written = None
    if own is not None and Origins(view.analysis.run.project).of(own.file) == "app":
        written = Place(own.file, own.line, name.rpartition(".")[2], "app")
    upon: Counter[Place] = Counter()
    for found in seen:
        frames = [frame for frame in view.analysis.stacks.expand(found.stack) if frame.origin == "app"]
        if frames:
            upon[place(frames[-1])] += 1
    line, number = upon.most_common(1)[0] if upon else (None, 0)
    return written, line if number >= _MOST * len(seen) else None


def _advice(name: str) -> str:
    if name in ("traceback", "frame"):
        return "keep no exception that was caught (`self.error = error`, a list of errors): keep its text, or `del error` at the end"
    if name in ("cell", "function"):
        return "a function that refers to itself, or to what holds it, is a cycle: hand over what it needs as arguments, or define it once"
    what = f"`{name}`" if name else "these objects"
    return (
        f"let {what} refer back by weakref.ref (a child to its parent, a handler to its owner), or take the reference out when it is "
        "done (`self.parent = None` in close()); then it goes at once, without a collection"
    )
