"""Counting calls: after some seconds of samples the hottest functions are followed, with who calls them and what they call.

perfkit writes its wish into the spool, the probe inside each process counts until it has seen enough, and what it left is read at
the end. Samples have a rest meanwhile. Calls stand beside them in a recording, and say nothing of time: their seconds are 0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perfkit.collectors.follow import Follow
from perfkit.collectors.hot_functions import HotFunction, hot_functions
from perfkit.collectors.interface import Context, Engine
from perfkit.collectors.left_behind import left_behind
from perfkit.collectors.wishes import wish_of, write_wish
from perfkit.model.counted import NO_CALLS, WINDOW
from perfkit.model.recording import Call, Frame, Gap, Process
from perfkit.shared import processes

# Samples first: a third of the time, within these bounds.
_SHARE, _LEAST, _MOST = 0.3, 2.0, 10.0
# Calls then, within these: a process that has seen enough ends earlier.
_SHORTEST, _LONGEST = 3.0, 10.0
_LAST_WORDS = 1.0
# What samplers need to come to rest, and processes to begin.
_BREATH, _BEGIN = 0.2, 1.2
_NAME = re.compile(r"calls-(\d+)-[0-9a-f]+\.json")


class CallsCollector:
    """`chosen` are the functions that the samples found hot, empty until then. No samples are taken while it counts."""

    def __init__(
        self,
        context: Context,
        follow: Follow,
        engine: Engine,
        duration: float | None,
        given: tuple[HotFunction, ...] = (),
        refused: Mapping[int, Gap] | None = None,
    ) -> None:
        """`given` are followed from the start to the end, in place of what samples find. `refused` are the processes that let
        nobody in."""
        self.chosen: tuple[HotFunction, ...] = given
        self._context = context
        self._follow = follow
        self._engine = engine
        part = _SHARE * duration if duration else 0.0
        self._wait = min(_MOST, max(_LEAST, part))
        self._burst = min(_LONGEST, max(_SHORTEST, part)) if duration else _LONGEST
        self._wished = bool(given)
        self._resting_from: float | None = None
        self._until = self._next_look = float("inf")
        self._called: set[tuple[str, int]] = set()
        self._all_well = True
        self._refused: Mapping[int, Gap] = {} if refused is None else refused

    def poll(self) -> None:
        now, begin = self._context.clock(), self._context.measured_from()
        if self._wished:
            if now >= self._until or (now >= self._next_look and self._all_have_seen_enough(now)):
                self._take_back()
        elif self._resting_from is not None:
            if now >= self._resting_from + _BREATH:
                self._wished = True
                self._until, self._next_look = now + self._burst, now + _BEGIN
                write_wish(self._context.spool, "calls", self.chosen, self._context.path_map, self._burst)
        elif begin is not None and now >= begin + self._wait:
            self.chosen = tuple(
                hot_functions(self._context.sink.stacks, self._engine.stack_seconds, self._context.root)
            )
            if self.chosen:
                self._resting_from = now
                self._let("rest")

    def _all_have_seen_enough(self, now: float) -> bool:
        self._next_look = now + _BREATH
        written = [content for _, content in self._written()]
        return bool(written) and all(content["ended"] is not None for content in written)

    def _take_back(self) -> None:
        """Samples are taken again, and what is wished for besides comes next."""
        self._until = self._next_look = float("inf")
        wish_of(self._context.spool, "calls").unlink(missing_ok=True)
        if self._resting_from is not None:
            self._let("go_on")

    def _let(self, step: str) -> None:
        """An engine that samples has a rest while counting slows the target down."""
        act = getattr(self._engine, step, None)
        if act is not None:
            act()

    def stop(self) -> None:
        """Take the wish back, so that the hooks go before the target does, and wait for what is told of that."""
        self._take_back()
        until = time.monotonic() + _LAST_WORDS
        while time.monotonic() < until and any(
            written["ended"] is None and processes.alive(pid) for pid, written in self._written()
        ):
            time.sleep(0.02)

    def _written(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return left_behind(self._context.spool, _NAME, is_sound)

    def take_last_words(self) -> None:
        """All that processes left."""
        left = 0
        for pid, written in self._written():
            left += 1
            self._take(self._process(pid, written), written)
        if not self._wished:
            self._gap("too few samples of the project's functions were taken before it ended", "measure for longer")
        elif not left and not self._refused:
            self._gap("no process of the target told any", "a longer run; -I, -E or -S keep the probe out")
        else:
            self._say_what_was_not_called()

    def _say_what_was_not_called(self) -> None:
        """Samples found it, calls did not: they do not agree about the load."""
        for function in self.chosen if self._all_well else ():
            if (function.file, function.first_line) not in self._called:
                what = f"calls of the function at {Path(function.file).name}:{function.first_line}"
                why = "samples found it hot, and it was not called while calls were counted: one call went on, or the load changed"
                self._context.sink.gap(Gap(what, why, "measure for longer"))

    def _gap(self, why: str, remedy: str) -> None:
        self._context.sink.gap(Gap(NO_CALLS, why, remedy))

    def _process(self, pid: int, written: dict[str, Any]) -> Process:
        zero = time.monotonic() - self._context.clock()
        return self._follow.known(pid, 0, "", max(0.0, float(written["began"]) - zero))

    def _take(self, process: Process, written: dict[str, Any]) -> None:
        for gap in written["gaps"]:
            self._context.sink.gap(Gap(*gap))
        self._all_well = self._all_well and not written["gaps"]
        if not written["functions"]:
            return
        seconds, requests = float(written["seconds"]), int(written["requests"] or 0)
        rows = [Call(process.id, None, WINDOW, requests, requests, 0.0, seconds)]
        followed = {(function.file, function.first_line) for function in self.chosen}
        for callee, callers in written["functions"]:
            called = self._frame(callee, process)
            if (called.file, called.line) in followed:
                self._called.add((called.file, called.line))
                rows.append(Call(process.id, WINDOW, called, 0, 0, 0.0, 0.0))
            for caller, (primitive, calls, _, _) in callers:
                frame = None if caller is None else self._frame(caller, process)
                rows.append(Call(process.id, frame, called, calls, primitive, 0.0, 0.0))
        self._context.sink.calls(rows)

    def _frame(self, key: list[Any], process: Process) -> Frame:
        file, line, function = key
        if file == "~":  # a builtin, as cProfile has it
            return Frame(function, "<built-in>", 0, "native")
        file = self._context.local_path(file, process.cwd)
        return Frame(function, file, line, self._context.origins.of(file))


def is_sound(written: Any) -> bool:
    """Whether it has the shape that a probe writes."""
    requests, ended = written["requests"], written["ended"]
    return (
        written["version"] == 1
        and _is_number(written["began"], 1e10)
        and _is_number(written["seconds"], 1e7)
        and (ended is None or _is_number(ended, 1e10))
        and (requests is None or _is_count(requests))
        and all(len(gap) == 3 and all(isinstance(text, str) for text in gap) for gap in written["gaps"])
        and all(_is_name(callee) and all(map(_is_edge, callers)) for callee, callers in written["functions"])
    )


def _is_edge(edge: Any) -> bool:
    caller, (primitive, calls, _, _) = edge
    return (caller is None or _is_name(caller)) and _is_count(primitive) and _is_count(calls)


def _is_name(name: Any) -> bool:
    file, line, function = name
    return isinstance(file, str) and isinstance(function, str) and _is_count(line)


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**53


def _is_number(number: Any, largest: float) -> bool:
    return type(number) in (int, float) and 0 <= number < largest
