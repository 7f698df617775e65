"""What memory and single lines were seen to do: readings, jumps, containers that the target keeps, its heap, garbage and imports, and
lines that were timed."""

from __future__ import annotations

from dataclasses import dataclass

NO_LINES = "hits and seconds of lines"
"""What a gap is called where lines were asked for and none was counted."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """A reading of one process. `pss` (pages shared with others divided among them) and `private` (pages that it shares with
    nobody) are None where they were not read. `given` is the bytes of pages that it was given so far, `system` the seconds that the
    kernel worked for it, both since it began."""

    at: float
    process: int
    rss: int
    pss: int | None
    private: int | None = None
    given: int | None = None
    system: float | None = None


@dataclass(frozen=True, slots=True)
class Rise:
    """A process took much memory within a moment: `before` is what it had when that began, `rss` what it had when its `stack` was
    looked at. `thread` is the name of the thread that ran."""

    at: float
    process: int
    before: int
    rss: int
    thread: str
    stack: int


@dataclass(frozen=True, slots=True)
class Container:
    """A look at something that lives as long as its process and grows. `name` tells where it hangs (`shop.prices.SEEN`,
    `shop.prices.price_of()` for a cached function), `file` and `line` where that is written.

    `size` is an estimate of its bytes. `bound` is the most that it may hold, `hits` and `misses` are those of a cached
    function; None where there is none.
    """

    at: float
    process: int
    name: str
    kind: str
    file: str
    line: int
    length: int
    size: int
    bound: int | None = None
    hits: int | None = None
    misses: int | None = None


@dataclass(frozen=True, slots=True)
class Heap:
    """A look at a process's heap from inside. `anonymous` is resident memory that no file stands behind.

    Python takes what small objects need in arenas: `blocks` objects in `live` of `arenas` bytes. All else that asks malloc has
    `used` bytes, and `mapped` in pieces of their own; `free` is what malloc keeps for later. None where the interpreter, or the
    C library, does not tell. Collections of garbage are counted since the process began: all, `full` ones, the objects that
    they `collected`, their `seconds`; `longest` is the longest pause since the look before.
    """

    at: float
    process: int
    threads: int
    anonymous: int
    blocks: int
    live: int | None
    arenas: int | None
    used: int | None
    free: int | None
    mapped: int | None
    collections: int
    full: int
    collected: int
    gc_seconds: float
    longest: float


@dataclass(frozen=True, slots=True)
class Garbage:
    """A look at one collection: what it found in cycles, the bytes that were free afterwards, the most frequent `types` of what it
    found (`shop.Node 212, dict 212`, empty where that was not looked at), and the `stack` that it came upon. `file` and `line`
    are those of the first type's methods, where it is a class of Python's."""

    at: float
    process: int
    stack: int
    generation: int
    collected: int
    freed: int
    types: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Import:
    """Bytes by which a process grew while it stood at a line that imports. `stack` is the chain of such lines, from the
    program's own to the innermost module's; the empty one is for all chains that took little."""

    at: float
    process: int
    stack: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LineBytes:
    """What a line of a function took itself, without what it called. `bytes` is what all its runs added, `peak` the most that one
    run did; of what an allocator's log holds both are what stood at the highest moment, and `hits` allocations, reached by
    `stack` (0 where that is not known)."""

    process: int
    stack: int
    function: str
    file: str
    first_line: int
    line: int
    hits: int
    bytes: int
    peak: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """What tracemalloc knows: by how much more stood at second `ended` than at second `began` of what was allocated at the end of
    `stack`, less where it is negative. The empty stack is all that changed little. Functions of frames come from the source, and are
    empty where it does not tell."""

    process: int
    stack: int
    began: float
    ended: float
    more_blocks: int
    more_bytes: int


@dataclass(frozen=True, slots=True)
class LineTime:
    """A line of a function that was followed line by line: `seconds` with all that it called, without what it awaited.
    `first_line` and `calls` are the function's."""

    process: int
    function: str
    file: str
    first_line: int
    calls: int
    line: int
    hits: int
    seconds: float
