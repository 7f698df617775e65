"""pyinstrument in the main thread of a launched script: samples of Python frames with the await time of coroutines."""

from __future__ import annotations

from typing import Any

from perfkit.collectors.inprocess import InProcessEngine, lent
from perfkit.model.recording import Sample, Thread, Window


class PyinstrumentEngine(InProcessEngine):
    """One thread of one process, by pyinstrument's own clock."""

    name = "pyinstrument"

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        return {"PERFKIT_ENGINE": "pyinstrument", "PERFKIT_SPOOL": spool, **lent("pyinstrument")}

    def read(self, written: dict[str, Any]) -> None:
        thread = Thread(1, 1, None, "MainThread")
        self.context.sink.thread(thread)
        rows: list[Sample] = []
        for frames, seconds in written["records"]:
            stack = tuple(self.frame(str(function), str(file), int(line)) for function, file, line in frames)
            identity = self.context.sink.intern(stack)
            self.stack_seconds[identity] += float(seconds)
            rows.append(Sample(1, thread.id, identity, 1, float(seconds)))
        self.measured = len(rows)
        window = Window(1, 1, "wall", 0.0, float(written["seconds"]), 1 / float(written["interval"]), len(rows))
        self.context.sink.window(window, rows, ())
