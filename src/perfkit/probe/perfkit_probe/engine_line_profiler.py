"""line_profiler on every function of the project: the target's own, else the one that perfkit lends it.

One profiler, enabled once. It knows functions by their bytecode and line: before Python 3.12 each gets code of its own, longer
by some empty instructions; from 3.12 on the interpreter reports lines of the project's code alone.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections import defaultdict
from time import monotonic

from . import ending, lending, project_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_WHAT = "lines by line_profiler"
_NAME = "line-profiler"
_NOP = bytes((dis.opmap["NOP"], 0))
_monitoring: Any = getattr(sys, "monitoring", None)
_Function: Any = type(lambda: None)
_LEAVE_OUT = "leave out --engine: py-spy samples such targets from outside"


def start(spool: str) -> None:
    busy = _busy()
    if busy:
        ending.write(spool, _NAME, {"gap": [_WHAT, busy, "measure when it does not run"]})
        return
    try:
        profiler = lending.imported(spool, "line_profiler").LineProfiler()
    except Exception as error:
        ending.write(spool, _NAME, {"gap": lending.missing(_WHAT, _NAME, error)})
        return
    if not hasattr(profiler, "_all_paddings"):
        remedy = "%s -m pip install --upgrade line-profiler" % sys.executable
        why = "line_profiler of %s is older than 5.0 and miscounts recursion and threads" % sys.executable
        ending.write(spool, _NAME, {"gap": [_WHAT, why, remedy]})
        return
    lines = _Lines(profiler)
    began = monotonic()
    lines.begin()
    project_code.watch(lines.module)
    ending.at_end(lambda: ending.write(spool, _NAME, lines.end(monotonic() - began)))


def _busy() -> str:
    """Who traces already; empty where nobody does."""
    if sys.gettrace() is not None or getattr(threading, "_trace_hook", None) is not None:
        return "a debugger or coverage traces the target already"
    name = _monitoring.get_tool(_monitoring.PROFILER_ID) if _monitoring else None
    return "a profiler (%s) is active in the target already" % name if name else ""


class _Lines:
    """`followed` has every function's code as it runs; `twins` are told apart by nothing that line_profiler looks at."""

    def __init__(self, profiler: Any) -> None:
        self._profiler = profiler
        self._followed: dict[tuple[str, int, str], CodeType] = {}
        self._twins: set[tuple[str, int, str]] = set()
        self._same: dict[tuple[bytes, int], CodeType] = {}
        self._padded: defaultdict[bytes, int] = defaultdict(int)
        self._calls: defaultdict[int, int] = defaultdict(int)
        self._kept: list[Any] = []
        self._tool = -1
        self._taken = ""

    def begin(self) -> None:
        self._profiler.enable_by_count()
        os.register_at_fork(after_in_child=self._profiler.disable_by_count)
        if _monitoring is None:
            self._trace = sys.gettrace()
            threading.settrace(self._thread)
            return
        events = _monitoring.events
        self._tool = self._profiler.tool_id
        _monitoring.register_callback(self._tool, events.PY_START, self._started)
        # Exceptions cannot be asked for locally, and end a line's time.
        _monitoring.set_events(self._tool, events.RAISE | events.RERAISE)

    def _thread(self, frame: FrameType, event: str, argument: Any) -> None:
        """Called once in each new thread, as its trace function, in whose place the profiler's comes."""
        # The number of a thread that ended may be its own, and line_profiler would take it for the one that it knows.
        self._profiler._managers.pop(threading.get_ident(), None)
        self._profiler.enable_by_count()

    def _started(self, code: CodeType, offset: int) -> None:
        self._calls[id(code)] += 1

    def module(self, code: CodeType) -> None:
        """About to run. Its functions are not made yet."""
        if _monitoring is None:
            from .zoom_loaded import LoadedModule

            self._kept.append(LoadedModule(code, self._instead))
            self._add(code)
            return
        for one in (code, *filter(project_code.is_function, project_code.inside(code))):
            self._add(one)
            events = _monitoring.events
            wanted = events.LINE | events.PY_START | events.PY_RETURN | events.PY_YIELD
            _monitoring.set_local_events(self._tool, one, wanted)

    def _instead(self, code: CodeType) -> CodeType:
        """The same code, told apart from all other by its length, with what stands inside it changed alike."""
        consts = tuple([self._instead(one) if type(one) is type(code) else one for one in code.co_consts])
        if not project_code.is_function(code):
            return code.replace(co_consts=consts)
        plain = _stripped(code.co_code)
        self._padded[plain] += 1
        new = code.replace(co_consts=consts, co_code=plain + _NOP * self._padded[plain])
        self._add(new)
        return new

    def _add(self, code: CodeType) -> None:
        key = (code.co_filename, code.co_firstlineno, code.co_name)
        twin = self._same.setdefault((code.co_code, code.co_firstlineno), code)
        if twin.co_filename != code.co_filename:
            self._twins.update((key, (twin.co_filename, twin.co_firstlineno, twin.co_name)))
        self._followed[key] = code
        self._kept.append(code)
        cells = tuple([_cell() for _ in code.co_freevars])
        # Nothing is to be added to this code: what line_profiler changes is a function that nobody calls.
        self._profiler._all_paddings[_stripped(code.co_code)] = 0
        self._profiler.add_callable(_Function(code, {}, code.co_name, None, cells))

    def end(self, seconds: float) -> dict[str, Any]:
        gaps = self._disturbed()
        self._profiler.disable_by_count()
        stats = self._profiler.get_stats()
        functions = []
        for (file, first, name), rows in stats.timings.items():
            # A module begins before its first line.
            counted = [[line, hits, time * stats.unit] for line, hits, time in rows if hits and line >= max(first, 1)]
            code = self._code(file, first, name)
            if code is None or not counted:
                continue
            calls = self._calls[id(code)] if _monitoring else _entered(code, counted)
            whole = {"file": file, "function": _qualified(code), "line": code.co_firstlineno, "calls": calls}
            functions.append({**whole, "lines": counted})
        twins = [name for _, _, name in self._twins if name != "<module>"]
        if twins:
            what = "lines of %d functions" % len(twins)
            gaps.append([what, "others at the same line of another file have the same bytecode", _LEAVE_OUT])
        return {"functions": functions, "seconds": seconds, "gaps": gaps}

    def _code(self, file: str, first: int, name: str) -> CodeType | None:
        """By what line_profiler calls it: its qualified name, where there is one."""
        for key in ((file, first, name), (file, first, name.rpartition(".")[2])):
            if key in self._followed and key not in self._twins:
                return self._followed[key]
        return None

    def _disturbed(self) -> list[list[str]]:
        if _monitoring is not None:
            name = _monitoring.get_tool(self._tool)
            taken = name != "line_profiler"
        else:
            taken = sys.gettrace() is not self._trace
        if not taken:
            return []
        return [[_WHAT + ", from some moment on", "the target started a debugger, coverage or a profiler", _LEAVE_OUT]]


def _stripped(bytecode: bytes) -> bytes:
    while bytecode.endswith(_NOP):
        bytecode = bytecode[: -len(_NOP)]
    return bytecode


def _cell() -> Any:
    value = None
    closure: Any = (lambda: value).__closure__
    return closure[0]


def _qualified(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name))


def _entered(code: CodeType, counted: list[list[Any]]) -> int:
    """How often the function began: the hits of its first line, where no loop leads back to it, else those of the rarest."""
    hits: dict[int, int] = {line: number for line, number, _ in counted}
    looped, line = set(), 0
    starts = dict(dis.findlinestarts(code))
    lines = {}
    for at in dis.get_instructions(code):
        line = starts.get(at.offset) or line
        lines[at.offset] = line
        if at.opcode in _JUMPS and at.argval <= at.offset:
            looped.add(lines.get(at.argval, 0))
    first = next((line for line in starts.values() if line in hits), 0)
    return hits[first] if first and first not in looped else min(hits.values())


_JUMPS = frozenset(dis.hasjrel + dis.hasjabs)
