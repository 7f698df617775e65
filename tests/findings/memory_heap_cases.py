"""Servers whose heap was looked at from inside, whose collections, pages and imports were counted: what must be told, and what not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from memory_cases import MB, Case, Found, Kept, Over, heap, leaking, noisy, plateau

GROWS = Kept("shop.SEEN", lambda at: 20 * at, each=2500)
OUTSIDE = heap(anonymous=leaking, used=lambda at: 40 * MB + 50_000 * at)
SCRIPT: dict[str, Any] = {"sampled": "script>; load@shop.py:9 600", "stack": "script>; load@shop.py:9", "per_second": 0}
BUSY = "flask>; orders@shop.py:3 600"
KEPT = heap(anonymous=230 * MB, used=6 * MB, free=205 * MB)
LOOSE = heap(anonymous=182 * MB, used=6 * MB, arenas=175 * MB, live=16 * MB)
NODES = Found(748, 22 * MB, "shop.Node 44, cell 440, tuple 98", line=21)
TREES = Found(606, 40_000, "shop.Tree 303, list 302", line=27)
COSTLY = heap(collected=lambda at: 1_000_000 * at, gc_seconds=lambda at: 0.2 * at)
THRASHES = heap(
    blocks=2_000_000, live=180 * MB, arenas=190 * MB, gc_seconds=lambda at: 0.07 * at, full=lambda at: at / 3
)
CHURNS: dict[str, Any] = {"given": lambda at: 200e6 * at, "worked": (0.4, 0.8)}
PANDAS = "<module>@shop.py:2; <module>@lib/pandas/__init__.py:40; <module>@lib/pandas/core/api.py:1"
TABLE = "<module>@shop.py:3; <module>@tables.py:12"
APP = [(PANDAS, 34 * MB), (TABLE, 4 * MB)]
UNUSED: dict[str, Any] = {
    "sampled": BUSY,
    "imports": [(PANDAS, 40 * MB), ("<module>@shop.py:1; <module>@lib/flask/__init__.py:4", 6 * MB)],
}


def now_and_then(one: float, other: float) -> Over:
    return lambda at: other if int(at) % 7 == 3 else one


FIRES_HEAP = [
    Case("a library keeps what it is given", "native-growth", leaking, heap=OUTSIDE),
    Case(
        "with an allocator of its own",
        "native-growth",
        lambda at: 80 * MB + 500_000 * at,
        heap=heap(anonymous=lambda at: 80 * MB + 500_000 * at),
    ),
    Case("in each of three workers", "native-growth", leaking, heap=OUTSIDE, processes=3),
    Case("of what it loaded at start", "kept-by-malloc", heap=KEPT),
    Case("in each of three workers", "kept-by-malloc", heap=KEPT, processes=3),
    Case(
        "with nine threads",
        "kept-by-malloc",
        noisy,
        heap=heap(anonymous=300 * MB, used=60 * MB, free=180 * MB, threads=9),
    ),
    Case("survivors of a peak", "fragmentation", heap=LOOSE),
    Case("survivors in each of three workers", "fragmentation", heap=LOOSE, processes=3),
    Case(
        "survivors, and more of them",
        "fragmentation",
        leaking,
        heap=heap(anonymous=400 * MB, arenas=lambda at: 300 * MB + 50_000 * at, live=lambda at: 20 * MB + 10_000 * at),
    ),
    Case("buffers wait", "reference-cycles", heap=heap(), garbage=NODES, where=("shop.py", 21)),
    Case("trees cost time", "reference-cycles", heap=COSTLY, garbage=TREES, where=("shop.py", 27)),
    Case(
        "errors that are kept",
        "reference-cycles",
        heap=heap(),
        garbage=Found(90, 30 * MB, "traceback 10, frame 10"),
        where=("shop.py", 9),
    ),
    Case("two million objects", "gc-thrash", heap=THRASHES),
    Case("in each of two workers", "gc-thrash", heap=THRASHES, processes=2),
    Case("long pauses", "gc-thrash", heap=heap(blocks=900_000, longest=0.08, full=lambda at: at / 6)),
    Case("a body in pieces", "allocation-churn", **CHURNS, where=("shop.py", 3)),
    Case(
        "among several lines",
        "allocation-churn",
        **CHURNS,
        sampled="flask>; orders@shop.py:3 100\nflask>; users@shop.py:30 100\nflask>; carts@shop.py:50 100",
    ),
    Case("in two workers", "allocation-churn", **CHURNS, processes=2, where=("shop.py", 3)),
    Case("three workers with pandas", "preload", imports=APP, processes=3),
    Case("eight workers", "preload", imports=[(TABLE, 20 * MB)], processes=8),
    Case("two large ones", "preload", imports=[(TABLE, 90 * MB)], processes=2),
    Case("nothing uses it", "heavy-import", **UNUSED, where=("shop.py", 2)),
    Case("a command", "heavy-import", **{**UNUSED, **SCRIPT}, where=("shop.py", 2)),
    Case("a table of the project's", "heavy-import", sampled=BUSY, imports=[(TABLE, 80 * MB)], where=("tables.py", 12)),
    Case(
        "a table in each of three workers",
        "heavy-import",
        sampled=BUSY,
        imports=[(TABLE, 30 * MB)],
        processes=3,
        where=("tables.py", 12),
    ),
]


QUIET_HEAP = [
    Case("a plateau near", "native-growth", plateau, heap=heap(anonymous=plateau, used=plateau)),
    Case("up and down", "native-growth", noisy, heap=heap(anonymous=noisy, used=noisy)),
    Case(
        "objects come with it",
        "native-growth",
        leaking,
        heap=heap(anonymous=leaking, blocks=lambda at: 150_000 + 100 * at, used=lambda at: 40 * MB + 45_000 * at),
    ),
    Case("a container explains it", "native-growth", leaking, [GROWS], heap=OUTSIDE),
    Case("small objects grow", "native-growth", leaking, heap=heap(live=lambda at: 14 * MB + 50_000 * at)),
    Case(
        "it is free",
        "native-growth",
        leaking,
        heap=heap(anonymous=leaking, used=20 * MB, free=lambda at: MB + 50_000 * at),
    ),
    Case("pages that are touched for the first time", "native-growth", leaking, heap=heap(anonymous=leaking)),
    Case("a script", "native-growth", leaking, heap=OUTSIDE, **SCRIPT),
    Case("little", "kept-by-malloc", heap=heap(anonymous=90 * MB, free=40 * MB, used=20 * MB)),
    Case(
        "used again now and then",
        "kept-by-malloc",
        heap=heap(anonymous=230 * MB, used=now_and_then(6 * MB, 190 * MB), free=now_and_then(205 * MB, 20 * MB)),
    ),
    Case("pages that were given back", "kept-by-malloc", heap=heap(anonymous=80 * MB, used=40 * MB, free=205 * MB)),
    Case("a small part of much", "kept-by-malloc", heap=heap(anonymous=1000 * MB, used=850 * MB, free=100 * MB)),
    Case("a script", "kept-by-malloc", heap=KEPT, **SCRIPT),
    Case("full arenas", "fragmentation", heap=heap(anonymous=300 * MB, arenas=260 * MB, live=240 * MB)),
    Case(
        "used again now and then",
        "fragmentation",
        heap=heap(anonymous=182 * MB, arenas=175 * MB, live=now_and_then(16 * MB, 160 * MB)),
    ),
    Case("little", "fragmentation", heap=heap(arenas=50 * MB, live=8 * MB)),
    Case("of a framework", "reference-cycles", heap=heap(), garbage=Found(752, 40_000, "cell 470, tuple 104")),
    Case("twice only", "reference-cycles", heap=heap(), garbage=replace(NODES, times=2)),
    Case("few, and much else to walk through", "reference-cycles", heap=THRASHES, garbage=TREES),
    Case("a script", "reference-cycles", heap=COSTLY, garbage=TREES, **SCRIPT),
    Case("a small process that others kept from the CPU", "gc-thrash", heap=heap(longest=0.25)),
    Case(
        "many objects, and rare collections", "gc-thrash", heap=heap(blocks=6_000_000, gc_seconds=lambda at: 0.02 * at)
    ),
    Case(
        "what requests make and drop",
        "gc-thrash",
        heap=heap(blocks=now_and_then(900_000, 180_000), gc_seconds=lambda at: 0.08 * at, full=lambda at: at / 2),
    ),
    Case("cycles are found", "gc-thrash", heap=COSTLY, garbage=TREES),
    Case("a script", "gc-thrash", heap=THRASHES, **SCRIPT),
    Case("the kernel hardly works", "allocation-churn", given=lambda at: 200e6 * at, worked=(0.02, 0.8)),
    Case("100 kB a request", "allocation-churn", given=lambda at: 2e6 * at, worked=(0.4, 0.8)),
    Case("it grows", "allocation-churn", leaking, given=lambda at: 50_000 * at, worked=(0.4, 0.8)),
    Case("a script", "allocation-churn", **CHURNS, **SCRIPT),
    Case("loaded before they fork", "preload", imports=APP, processes=3, preloaded=True),
    Case("one worker", "preload", imports=APP),
    Case("a small application", "preload", imports=[(TABLE, 8 * MB)], processes=4),
    Case(
        "one after the other",
        "preload",
        imports=APP,
        processes=3,
        lives=lambda n: (20.0 * n, 20.0 * n + 20 if n < 3 else None),
    ),
    Case(
        "it is used",
        "heavy-import",
        **{**UNUSED, "sampled": f"{BUSY}\nflask>; report@shop.py:7; sum@lib/pandas/core/frame.py:9 5"},
    ),
    Case("a small one", "heavy-import", sampled=BUSY, imports=[(PANDAS, 9 * MB)]),
    Case("a small part of much", "heavy-import", lambda at: 900 * MB, **UNUSED),
    Case("a table that is not large", "heavy-import", sampled=BUSY, imports=[(TABLE, 40 * MB)]),
    Case("a script's own table", "heavy-import", imports=[(TABLE, 60 * MB)], **SCRIPT),
    Case("seen at work for too short", "heavy-import", **{**UNUSED, "sampled": "flask>; orders@shop.py:3 100"}),
]
