"""line_profiler on every function of the project in a launched target: exact hits, and seconds a line, at several times the CPU time.

Its seconds hold what a line called. They rank alone, each second at the line that spent it itself.
"""

from __future__ import annotations

from typing import Any

from perfkit.collectors.call_sites import call_sites
from perfkit.collectors.inprocess import InProcessEngine, lent, written_cwd
from perfkit.collectors.own_lines import Counted, OwnLines
from perfkit.model.memory import LineTime
from perfkit.model.recording import Frame, Gap, Sample, Thread, Window

# Below this share of all seconds nobody asks who called a function.
_LEAST = 0.02


class LineProfilerEngine(InProcessEngine):
    """All threads of one process. Samples of the recording are lines, as often as they were hit."""

    name = "line-profiler"

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        return {"PERFKIT_ENGINE": "line-profiler", "PERFKIT_SPOOL": spool, **lent("line_profiler", "typing_extensions")}

    def read(self, written: dict[str, Any]) -> None:
        functions = self._functions(written["functions"])
        if not functions:
            self.nothing_ran("lines by line_profiler", "take --lines, which follows workers")
            return
        rows = [
            LineTime(1, one.function, one.file, one.first_line, one.calls, line, hits, seconds)
            for one in functions
            for line, (hits, seconds) in one.lines.items()
        ]
        self.context.sink.lines(rows)
        own = OwnLines(functions, call_sites({one.file for one in functions}))
        self._rank(own, float(written["seconds"]))
        total = sum(own.left.values())
        unseen = [one for one in own.unseen if one.function != "<module>" and one.seconds > _LEAST * total]
        if unseen:
            self.context.sink.gap(_unseen(unseen))

    def _functions(self, written: list[dict[str, Any]]) -> list[Counted]:
        cwd = written_cwd(self.context)
        return [
            Counted(
                str(one["function"]),
                self.context.local_path(str(one["file"]), cwd),
                int(one["line"]),
                int(one["calls"]),
                {int(line): (int(hits), float(seconds)) for line, hits, seconds in one["lines"]},
            )
            for one in written
        ]

    def _rank(self, own: OwnLines, seconds: float) -> None:
        thread = Thread(1, 1, None, "MainThread")
        self.context.sink.thread(thread)
        rows: list[Sample] = []
        for (number, line), spent in own.left.items():
            hits = own.functions[number].lines[line][0]
            for before, share in own.ways(number):
                stack = tuple(self._frame(own.functions[at], spot) for at, spot in (*before, (number, line)))
                identity = self.context.sink.intern(stack)
                self.stack_seconds[identity] += spent * share
                rows.append(Sample(1, thread.id, identity, round(hits * share), spent * share))
        self.measured = sum(row.n for row in rows)
        self.context.sink.window(Window(1, 1, "wall", 0.0, seconds, 0.0, len(rows)), rows, ())

    def _frame(self, function: Counted, line: int) -> Frame:
        return self.frame(function.function, function.file, line)


def _unseen(functions: list[Counted]) -> Gap:
    names = ", ".join(one.function for one in functions[:3]) + (", …" if len(functions) > 3 else "")
    return Gap(
        f"which lines led to {names}",
        "no line of the project names them: their seconds are in whatever line led there as well",
        "leave out --engine: py-spy sees whole stacks",
    )
