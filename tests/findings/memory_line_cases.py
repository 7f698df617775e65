"""Recordings of a script whose lines were measured for memory, by resident memory or by a log of allocations."""

from __future__ import annotations

from memory_cases import MB, Case, leaking

from perfkit.model.memory import LineBytes
from recordings_from_text import PROJECT

_SCRIPT = "script>; load@shop.py:9 300"
_FILE = f"{PROJECT}/shop.py"


def _took(line: int, most: int, function: str = "load", hits: int = 1, stack: int = 0) -> LineBytes:
    return LineBytes(1, stack, function, _FILE, 8, line, hits, most * hits if stack == 0 else most, most)


def _case(name: str, *lines: LineBytes, where: int | None = None) -> Case:
    place = None if where is None else ("shop.py", where)
    return Case(name, "line-memory", lines=lines, sampled=_SCRIPT, stack=_SCRIPT[:-4], per_second=0, where=place)


FIRES_LINES = [
    _case("a file that is read whole", _took(9, 300 * MB), _took(10, 4096), where=9),
    _case("the same rows in each turn", _took(10, 40 * MB, hits=30), _took(9, 8 * MB), where=10),
    _case(
        "two lines of one function at the highest moment",
        _took(11, 60 * MB, stack=1),
        _took(9, 30 * MB, stack=1),
        where=11,
    ),
]
QUIET_LINES = [
    _case("lines that take next to nothing", _took(9, 4096, hits=9000), _took(10, 0)),
    _case("less than 5 % of the process", _took(9, 4 * MB - 1, stack=1)),
    Case("lines were not measured", "line-memory", leaking),
]
