"""cProfile around the main thread, written as JSON: [[callee, [[caller or null, [primitive, calls, own, total]]]]]."""

from __future__ import annotations

import sys
import threading

from . import ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

if TYPE_CHECKING:
    import cProfile

_REFUSED = [
    "calls by cProfile",
    "the target started threads: cProfile misses them before Python 3.12, and charges their time wrongly from 3.12 on",
    "leave out --engine: py-spy samples all threads",
]


def start(spool: str) -> None:
    import cProfile

    threads: list[bool] = []

    def notice(frame: FrameType, event: str, argument: Any) -> None:
        # Called once in each new thread, as its profile function, which it takes off again at once.
        sys.setprofile(None)
        threads.append(True)

    threading.setprofile(notice)
    profile = cProfile.Profile()

    def step() -> None:
        profile.disable()
        # Threads of the module _thread are no business of `threading`: those that still live are found here.
        if threads or len(sys._current_frames()) > 1:
            ending.write(spool, "cprofile", {"gap": _REFUSED})
        else:
            ending.write(spool, "cprofile", {"functions": _functions(profile)})

    ending.at_end(step)
    profile.enable()


def _functions(profile: cProfile.Profile) -> list[list[Any]]:
    profile.create_stats()
    functions: list[list[Any]] = []
    stats: Any = getattr(profile, "stats")  # noqa: B009  (typeshed does not know what create_stats makes)
    for callee, (primitive, calls, own, total, callers) in stats.items():
        # Of callers all calls come first, of functions those that are no recursion.
        edges: list[list[Any]] = [[list(by), [first, n, tt, ct]] for by, (n, first, tt, ct) in callers.items()]
        known = [sum(numbers[i] for _, numbers in edges) for i in range(4)]
        rest = [primitive - known[0], calls - known[1], own - known[2], total - known[3]]
        if not edges or rest[2] > 1e-6:
            root: list[Any] | None = None
            edges.append([root, [max(0, rest[0]), max(0, rest[1]), max(0.0, rest[2]), max(0.0, rest[3])]])
        functions.append([list(callee), edges])
    return functions
