"""memory_profiler's line mode on every function of the project: the target's own, else the one that perfkit lends it.

A profiler of its own for each function, in the main thread. It is not asked about other code, reads resident memory itself, and
takes what a line's callees took for theirs. Generators and coroutines are left out: it does not know who runs between their lines.
"""

from __future__ import annotations

import os
import sys
import threading

from . import ending, lending, project_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_WHAT = "bytes of lines by memory_profiler"
_NAME = "memory-profiler"
# A function whose lines ran that often and took next to nothing is left alone.
_MOST_RUNS = 20_000
_LITTLE = 1 << 20
_LEAVE_OUT = "--engine memray follows all threads; --memory watches from outside"
# Generators, coroutines, asynchronous generators, and what types.coroutine makes.
_SUSPENDED = 0x20 | 0x80 | 0x100 | 0x200


def start(spool: str) -> None:
    if sys.gettrace() is not None:
        why = "a debugger or coverage traces the target already"
        ending.write(spool, _NAME, {"gap": [_WHAT, why, "measure when it does not run"]})
        return
    if not os.path.exists("/proc/self/statm"):
        ending.write(spool, _NAME, {"gap": [_WHAT, "resident memory is read on Linux only", _LEAVE_OUT]})
        return
    try:
        module = lending.imported(spool, "memory_profiler")
        lines = _Lines(_kind(module))
    except Exception as error:
        ending.write(spool, _NAME, {"gap": lending.missing(_WHAT, _NAME, error)})
        return
    project_code.watch(lines.module)
    threading.settrace(lines.thread)
    os.register_at_fork(after_in_child=_untraced)
    ending.at_end(lambda: ending.write(spool, _NAME, lines.end()))
    sys.settrace(lines.trace)


def _untraced() -> None:
    sys.settrace(None)


def _resident() -> int:
    """Bytes. The file stays open, which saves three quarters of the time, unless the target closes it."""
    global _statm
    try:
        return _parsed(os.pread(_statm, 128, 0))
    except (OSError, ValueError):
        _statm = os.open("/proc/self/statm", os.O_RDONLY)
        return _parsed(os.pread(_statm, 128, 0))


def _parsed(text: bytes) -> int:
    _, resident, _, _, _, _, _ = map(int, text.split())
    return resident * _PAGE


_statm = -1
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _kind(module: Any) -> Any:
    """memory_profiler's own profiler, for one function, without what misleads in it."""

    class OneFunction(module.LineProfiler):  # type: ignore[misc]
        def __init__(self, code: CodeType, under_way: list[Any]) -> None:
            super().__init__()
            self.code = code
            self.measured: dict[int, tuple[int, int, int]] = {}
            self.code_map[code] = self.measured
            # Activations of all functions, the innermost last: line, bytes when it began, bytes that callees took in it.
            self._under_way = under_way
            self._began: list[int] = []
            self.runs = 0
            self.grown = 0
            self.left = False

        def trace_memory_usage(self, frame: FrameType, event: str, arg: Any) -> Any:
            if event == "call":
                now = _resident()
                self._began.append(now)
                self._under_way.append([None, now, 0])
            elif event == "line":
                self._took(frame.f_lineno)
                if self.is_idle():
                    frame.f_trace_lines = False  # its return is still told
                    self._under_way[-1][0] = self.code.co_firstlineno
            elif event == "return":
                now = self._took(None)
                self._under_way.pop()
                if self._under_way:
                    self._under_way[-1][2] += now - self._began.pop()
                else:
                    self._began.pop()
            return self.trace_memory_usage

        def is_idle(self) -> bool:
            if self.runs > _MOST_RUNS and self.grown < _LITTLE:
                self.left = True
                return True
            return False

        def _took(self, next_line: int | None) -> int:
            now = _resident()
            activation = self._under_way[-1]
            line, before, inner = activation
            if line is not None:
                taken = now - before - inner
                grown, most, hits = self.measured.get(line, (0, 0, 0))
                self.measured[line] = (grown + max(taken, 0), max(most, taken), hits + 1)
                self.runs += 1
                self.grown += max(taken, 0)
            activation[:] = (next_line, now, 0)
            return now

    return OneFunction


class _Lines:
    """`left_out` are functions that were called and cannot be followed."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._functions: dict[int, Any] = {}
        self._suspended: dict[int, CodeType] = {}
        self._left_out: set[str] = set()
        self._under_way: list[Any] = []
        self._threads = False

    def module(self, code: CodeType) -> None:
        """About to run, with all functions in it."""
        for one in (code, *filter(project_code.is_function, project_code.inside(code))):
            if one.co_flags & _SUSPENDED:
                self._suspended[id(one)] = one
            else:
                self._functions[id(one)] = self._kind(one, self._under_way)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Of each call in the main thread."""
        code = frame.f_code
        function = self._functions.get(id(code))
        if function is not None:
            return None if function.is_idle() else function.trace_memory_usage(frame, event, argument)
        if id(code) in self._suspended:
            self._left_out.add(code.co_name)
        return None

    def thread(self, frame: FrameType, event: str, argument: Any) -> None:
        """Called once in each new thread, as its trace function, which it takes off again at once."""
        sys.settrace(None)
        self._threads = True

    def end(self) -> dict[str, Any]:
        taken = sys.gettrace() != self.trace
        sys.settrace(None)
        functions = []
        for function in self._functions.values():
            code = function.code
            lines = [[line, hits, grown, most] for line, (grown, most, hits) in sorted(function.measured.items())]
            if lines:
                name = str(getattr(code, "co_qualname", code.co_name))
                whole = {"file": code.co_filename, "function": name, "line": code.co_firstlineno}
                functions.append({**whole, "lines": lines})
        return {"functions": functions, "gaps": self._gaps(taken)}

    def _gaps(self, taken: bool) -> list[list[str]]:
        gaps = []
        if self._left_out:
            names = ", ".join(sorted(self._left_out)[:3]) + (", …" if len(self._left_out) > 3 else "")
            why = (
                "memory_profiler does not follow generators and coroutines: what they take counts for whoever ran them"
            )
            gaps.append(["bytes of lines of %s" % names, why, _LEAVE_OUT])
        idle = [function.code.co_name for function in self._functions.values() if function.left]
        if idle:
            names = ", ".join(idle[:3]) + (", …" if len(idle) > 3 else "")
            why = "%d lines of each took less than %d MB: later ones count for where it begins, or for its caller" % (
                _MOST_RUNS,
                _LITTLE >> 20,
            )
            gaps.append(["bytes of later runs of %s" % names, why, _LEAVE_OUT])
        if self._threads:
            why = "memory_profiler follows one thread: what others take meanwhile counts for the main thread's lines"
            gaps.append(["bytes of lines in other threads", why, _LEAVE_OUT])
        if taken:
            gaps.append([_WHAT + ", from some moment on", "the target started a debugger or coverage", _LEAVE_OUT])
        return gaps
