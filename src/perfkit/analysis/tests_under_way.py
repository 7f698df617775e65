"""Which test was under way when something happened. In one process there is never more than one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping

from perfkit.model.recording import Recording, Request, Span

# Start and length of a test are stored apart, and rounded apart.
_ROUNDING = 1e-6


class UnderWay:
    """The tests of a recording. `repeats` tells how often each ran."""

    def __init__(self, recording: Recording) -> None:
        tests = sorted((one for one in recording.requests if one.kind == "test"), key=lambda one: one.start)
        self.repeats: Mapping[str, int] = Counter(one.endpoint for one in tests)
        by_process: defaultdict[int | None, list[Request]] = defaultdict(list)
        for one in tests:
            by_process[one.process].append(one)
        self._by_process = {process: ([one.start for one in own], own) for process, own in by_process.items()}

    def at(self, span: Span) -> str | None:
        """The test of the span's process. What a process without tests did belongs to the one that was under way, where that was
        one only: it started it."""
        if span.process in self._by_process:
            return self._found(span.process, span.start)
        found = [test for process in self._by_process if (test := self._found(process, span.start)) is not None]
        return found[0] if len(found) == 1 else None

    def _found(self, process: int | None, moment: float) -> str | None:
        starts, tests = self._by_process[process]
        at = bisect_right(starts, moment + _ROUNDING) - 1
        if at < 0 or moment > tests[at].start + tests[at].seconds + _ROUNDING:
            return None
        return tests[at].endpoint
