"""Zooming in on lines: after some seconds of samples the hottest functions are followed line by line, in the same run.

perfkit writes its wish into the spool, the probe inside each process counts as it says, and what it left is read at the end.
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
from perfkit.model.memory import NO_LINES, LineTime
from perfkit.model.recording import Gap, Process
from perfkit.shared import processes

# Samples first: a third of the time, within these bounds.
_SHARE, _LEAST, _MOST = 0.3, 2.0, 10.0
_LAST_WORDS = 1.0
_NAME = re.compile(r"lines-(\d+)-[0-9a-f]+\.json")


class LinesCollector:
    """`chosen` are the functions that the samples found hot, empty until then."""

    def __init__(
        self,
        context: Context,
        follow: Follow,
        engine: Engine,
        duration: float | None,
        given: tuple[HotFunction, ...] = (),
        refused: Mapping[int, Gap] | None = None,
    ) -> None:
        """`given` are followed from the start, in place of what samples find. `refused` are the processes that let nobody in."""
        self.chosen: tuple[HotFunction, ...] = given
        self._context = context
        self._follow = follow
        self._engine = engine
        self._wait = min(_MOST, max(_LEAST, _SHARE * duration)) if duration else _LEAST
        self._wished = bool(given)
        self._refused: Mapping[int, Gap] = {} if refused is None else refused

    @staticmethod
    def variables(wish: Path | None) -> dict[str, str]:
        """What a launched target's environment needs; `wish` is what is counted from the start."""
        return {"PERFKIT_TARGET_ZOOM": "1" if wish is None else str(wish)}

    def poll(self) -> None:
        begin = self._context.measured_from()
        if self._wished or begin is None or self._context.clock() < begin + self._wait:
            return
        found = hot_functions(self._context.sink.stacks, self._engine.stack_seconds, self._context.root)
        if found:
            self._wished = True
            self.chosen = tuple(found)
            write_wish(self._context.spool, "lines", self.chosen, self._context.path_map)

    def stop(self) -> None:
        """Take the wish back, so that the hooks go before the target does, and wait for what is told of that."""
        wish_of(self._context.spool, "lines").unlink(missing_ok=True)
        until = time.monotonic() + _LAST_WORDS
        while time.monotonic() < until and any(
            written["ended"] is None and processes.alive(pid) for pid, written in self._written()
        ):
            time.sleep(0.02)

    def _written(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return left_behind(self._context.spool, _NAME, _is_sound)

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

    def _gap(self, why: str, remedy: str) -> None:
        self._context.sink.gap(Gap(NO_LINES, why, remedy))

    def _process(self, pid: int, written: dict[str, Any]) -> Process:
        zero = time.monotonic() - self._context.clock()
        return self._follow.known(pid, 0, "", max(0.0, float(written["began"]) - zero))

    def _take(self, process: Process, written: dict[str, Any]) -> None:
        for gap in written["gaps"]:
            self._context.sink.gap(Gap(*gap))
        rows = []
        for function in written["functions"]:
            file = self._context.local_path(function["file"], process.cwd)
            whose = (process.id, function["function"], file, function["line"], function["calls"])
            rows += [LineTime(*whose, line, hits, seconds) for line, hits, seconds in function["lines"] if hits]
        self._context.sink.lines(rows)


def _is_sound(written: Any) -> bool:
    """Whether it has the shape that a probe writes."""
    return (
        written["version"] == 1
        and (written["ended"] is None or type(written["ended"]) in (int, float))
        and 0 <= float(written["began"]) < 1e10
        and all(len(gap) == 3 and all(isinstance(text, str) for text in gap) for gap in written["gaps"])
        and all(map(_is_function, written["functions"]))
    )


def _is_function(function: Any) -> bool:
    texts = isinstance(function["file"], str) and isinstance(function["function"], str)
    counts = [function["line"], function["calls"], *(n for line in function["lines"] for n in line[:2])]
    seconds = [line[2] for line in function["lines"]]
    return (
        texts
        and all(type(n) is int and 0 <= n < 2**53 for n in counts)
        and all(type(one) in (int, float) and 0 <= one < 1e9 for one in seconds)
        and all(len(line) == 3 for line in function["lines"])
    )
