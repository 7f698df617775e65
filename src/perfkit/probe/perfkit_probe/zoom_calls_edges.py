"""Who called whom, and how often, as both ways of counting (`zoom_calls_monitoring`, `zoom_calls_doors`) keep it.

Each thread has edges of its own, so that no two threads ever add to the same number. An edge is the caller's and the callee's
id, and `kept` has what they stand for: hashing code itself takes long. Caller 0: nothing of Python calls.
"""

from __future__ import annotations

import os
from _thread import get_ident

from .zoom_counts import Wanted, gap, when_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    Edge = tuple[int, Any]
    Name = tuple[str, int, str]

_HERE = os.path.dirname(__file__) + os.sep
PERFKIT = "<perfkit>"
_NATIVE = "~"
OTHERS = "(others)"
# Different edges of one thread: there are more where code makes functions or classes as it goes.
MOST = 5000
_MOST_TOLD = 2000
_Code = type((lambda: None).__code__)
threads: dict[int, dict[Edge, int]] = {}
kept: dict[int, Any] = {}
named: dict[Any, Name] = {}


def mine() -> dict[Edge, int]:
    found = threads.get(get_ident())
    if found is None:
        found = threads.setdefault(get_ident(), {})
        for step in when_first:
            step()
    return found


def started(caller: CodeType | None, callee: CodeType) -> None:
    """One more call of code."""
    edges = threads.get(get_ident()) or mine()
    key = (0 if caller is None else id(caller), id(callee))
    calls = edges.get(key)
    if calls is None:
        calls = 0
        keep(key[0], caller)
        keep(key[1], callee)
    edges[key] = calls + 1


def keep(number: int, what: Any) -> None:
    """So that nothing else gets its id."""
    kept[number] = what


def clear() -> None:
    threads.clear()
    named.clear()
    kept.clear()


def is_ours(file: str) -> bool:
    """A part of the probe, or a function that carries a name for it."""
    return file == PERFKIT or file.startswith(_HERE)


def native(owner: Any, name: str) -> Name:
    return (_NATIVE, 0, name if owner in ("builtins", None) else "%s.%s" % (owner, name))


def total() -> int:
    return sum([sum(edges.copy().values()) for edges in list(threads.copy().values())])


def told(wanted: Wanted, more: dict[tuple[Name | None, Name], int]) -> list[list[Any]]:
    """[[callee, [[caller or null, [primitive, calls, null, null]], …]], …], where a name is [file, first line, function]. A
    function that calls itself is primitive in the calls of others. `more` are edges besides those of the threads."""
    added = dict(more)
    for edges in list(threads.copy().values()):
        for (caller, callee), calls in edges.copy().items():
            key = (_name(caller, wanted) if caller else None, _name(callee, wanted))
            if key[1][2].endswith("<genexpr>"):
                continue  # a part of the function, and no call of its
            added[key] = added.get(key, 0) + calls
    most = sorted(added, key=lambda edge: -added[edge])
    if len(most) > _MOST_TOLD:
        left = sum([added[edge] for edge in most[_MOST_TOLD:]])
        why = "there are more than %d pairs of functions" % _MOST_TOLD
        gap("%d calls between functions that call each other rarely" % left, why, "measure one endpoint at a time")
    by_callee: dict[Name, list[list[Any]]] = {}
    for caller_name, callee_name in most[:_MOST_TOLD]:
        calls = added[caller_name, callee_name]
        numbers = [0 if caller_name == callee_name else calls, calls, None, None]
        caller_told = None if caller_name is None else list(caller_name)
        by_callee.setdefault(callee_name, []).append([caller_told, numbers])
    return [[list(callee), edges] for callee, edges in by_callee.items()]


def _name(key: Any, wanted: Wanted) -> Name:
    known = named.get(key)
    if known is not None:
        return known
    what = kept.get(key)
    return name_of(what, wanted) if type(what) is _Code else native(None, str(what or key))


def name_of(code: CodeType, wanted: Wanted) -> Name:
    file, line = wanted.key(code) or (code.co_filename, code.co_firstlineno)
    return (file, line, getattr(code, "co_qualname", code.co_name))
