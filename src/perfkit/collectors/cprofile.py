"""cProfile in the main thread of a launched script: exact call counts and edges, at about twice the CPU time."""

from __future__ import annotations

from typing import Any

from perfkit.collectors.inprocess import InProcessEngine
from perfkit.model.recording import Call, Frame


class CprofileEngine(InProcessEngine):
    """Refuses threaded targets: from Python 3.12 on cProfile charges other threads' time wrongly, before it misses them."""

    name = "cprofile"

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        return {"PERFKIT_ENGINE": "cprofile", "PERFKIT_SPOOL": spool}

    def read(self, written: dict[str, Any]) -> None:
        process = 1
        rows = []
        for callee, callers in written["functions"]:
            frame = self._frame(callee)
            for caller, (primitive, calls, own, total) in callers:
                rows.append(
                    Call(process, None if caller is None else self._frame(caller), frame, calls, primitive, own, total)
                )
        self.measured = len(rows)
        for row in rows:
            stack = (row.callee,) if row.caller is None else (row.caller, row.callee)
            self.stack_seconds[self.context.sink.intern(stack)] += row.self_seconds
        self.context.sink.calls(rows)

    def _frame(self, key: list[Any]) -> Frame:
        file, line, function = str(key[0]), int(key[1]), str(key[2])
        # cProfile names builtins `~` and gives them no line.
        return Frame(function, "<built-in>", 0, "native") if file == "~" else self.frame(function, file, line)
