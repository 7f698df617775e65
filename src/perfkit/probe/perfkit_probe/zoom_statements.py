"""Counts lines before Python 3.12: living functions get code with hooks (`zoom_rewriting`), and theirs back at the end.

Only a function whose source on disk compiles to what it runs is changed. What runs at the start goes on with its old code,
and so does what somebody else gives another code meanwhile.
"""

from __future__ import annotations

import gc
import sys
from os.path import getsize
from time import monotonic

from . import zoom_counts, zoom_rewriting
from .zoom_counts import Activation, Wanted
from .zoom_hooks import Hooks, running
from .zoom_rewriting import Pair, constants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from .zoom_loaded import LoadedModule

_Function = type(lambda: None)
_Code = type((lambda: None).__code__)
_APART = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_OPTIMIZED = 0x1  # CO_OPTIMIZED: a real function, no module or class on its way
_ITERABLE = 0x100  # CO_ITERABLE_COROUTINE
_LARGEST = 5_000_000  # bytes of source
# Looking through all objects may take this share of the time.
_SHARE = 0.01
_REMEDY = "restart the target with the sources that are there, or zoom in on another function"


class _State:
    """What one start has changed."""

    def __init__(self, wanted: Wanted, make: Any = Hooks, body: Any = None) -> None:
        self.wanted = wanted
        self.make = make
        self.body = body
        self.pairs: dict[str, list[Pair]] = {}
        # By the code's id: what it was, or what there is instead. Both hold the code, so that no other one gets the id.
        self.originals: dict[int, tuple[CodeType, CodeType]] = {}
        self.replaced: dict[int, tuple[CodeType, CodeType]] = {}
        self.hooks: list[Hooks] = []
        self.modules = 0
        self.loaded: list[LoadedModule] = []
        self.next_look = 0.0
        self.change: type[LoadedModule] | None = None


_state = _State(Wanted([]))
_heard = False


def refusal() -> tuple[str, str] | None:
    """(why, remedy) when lines cannot be counted here."""
    if sys.implementation.name != "cpython":
        return "the target runs on %s" % sys.implementation.name, "measure with CPython"
    return None


def start(wanted: Wanted, make: Any = Hooks, body: Any = None) -> None:
    """`make` and `body` are the kinds of `Hooks` and `Body` of those who count something else than lines."""
    global _state
    _state = _State(wanted, make, body)
    _look()


def look_again() -> None:
    """Take in functions of modules that were imported since, at a price that does not matter."""
    now = monotonic()
    if len(sys.modules) != _state.modules and now >= _state.next_look:
        _look()


def at_load() -> None:
    """What is about to run gets its functions changed before they are made."""
    global _heard
    from .zoom_loaded import LoadedModule

    _state.change = LoadedModule
    if not _heard:
        _heard = True
        sys.addaudithook(_audited)  # for good: Python knows no way to take it off again


def _audited(event: str, arguments: Any) -> None:
    if event != "exec" or _state.change is None:
        return
    try:
        code = arguments[0]
        if type(code) is _Code and code.co_name == "<module>" and _state.wanted.lines(code.co_filename):
            _state.loaded.append(_state.change(code, _instead))
    except Exception as error:
        zoom_counts.gap("the first calls of functions", "%s: %s" % (type(error).__name__, error), "zoom in again")


def _look() -> None:
    began = monotonic()
    _state.modules = len(sys.modules)
    for function in _functions():
        code = function.__code__
        if code.co_flags & _OPTIMIZED and _state.wanted.lines(code.co_filename):
            new = _instead(code)
            if new is not code:
                function.__code__ = new
    _state.next_look = monotonic() + (monotonic() - began) / _SHARE


def stop() -> None:
    """Give every function its code back, those as well that were made meanwhile."""
    for hooks in _state.hooks:
        hooks.on = False
    _state.change = None
    forget()
    for module in _state.loaded:
        module.undo()
    originals = _state.originals
    if originals:
        for function in _functions():
            known = originals.get(id(function.__code__))
            if known is not None:
                function.__code__ = known[0]


def under_way() -> list[Activation]:
    return list(running.copy().values())


def forget() -> None:
    """What runs in the parent of a forked process."""
    running.clear()


def _functions() -> list[Any]:
    return [one for one in gc.get_objects() if type(one) is _Function]


def _instead(code: CodeType) -> CodeType:
    """With hooks, if it is wanted, and with what is wanted among the functions inside of it."""
    if id(code) in _state.originals:
        return code
    known = _state.replaced.get(id(code))
    if known is not None:
        return known[1]
    nested = {}
    for one in constants(code):
        new = _instead(one)
        if new is not one:
            nested[id(one)] = new
    new = code
    key = _state.wanted.key(code)
    if key is not None:
        new = _hooked(code, nested, key)
    if new is code and nested:
        new = code.replace(co_consts=tuple([nested.get(id(const), const) for const in code.co_consts]))
    _state.replaced[id(code)] = (code, new)
    if new is not code:
        _state.originals[id(new)] = (code, new)
    return new


def _hooked(code: CodeType, nested: dict[int, CodeType], key: tuple[str, int]) -> CodeType:
    pairs = _pairs(code.co_filename)
    if pairs is None:
        return code
    plain = _as_compiled(code)
    why = "it is not in its source in a way that can be counted"
    if code.co_name in _APART:
        why = "comprehensions and generator expressions are counted from Python 3.12 on"
    for pair in pairs:
        if pair.plain.co_firstlineno != code.co_firstlineno or pair.plain.co_name != code.co_name:
            continue
        if pair.plain != plain:
            why = "its code is not what its source says: the file has changed, or something rewrote it"
        elif pair.refused or not pair.wanted:
            why = pair.refused or why
        else:
            hooks = _state.make(zoom_counts.function(key, pair.name))
            _state.hooks.append(hooks)
            return zoom_rewriting.with_hooks(pair, code, nested, hooks)
    what = "%s of %s (%s:%d)" % (_state.make.COUNTS, code.co_name, code.co_filename, code.co_firstlineno)
    zoom_counts.gap(what, why, _REMEDY)
    return code


def _pairs(file: str) -> list[Pair] | None:
    """Of the file's source, which is read once. None: there is none."""
    known = _state.pairs.get(file)
    if known is not None:
        return known
    why = ""
    try:
        if getsize(file) > _LARGEST:
            why = "the file is larger than %d bytes" % _LARGEST
        else:
            with open(file, "rb") as source:
                found = zoom_rewriting.pairs(source.read(), set(_state.wanted.lines(file)), _state.body)
            _state.pairs[file] = found
            return found
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        why = "its source cannot be read: %s" % type(error).__name__
    zoom_counts.gap("%s of functions in %s" % (_state.make.COUNTS, file), why, _REMEDY)
    _state.pairs[file] = []
    return None


def _as_compiled(code: CodeType) -> CodeType:
    """Without what `types.coroutine` adds."""
    return code.replace(co_flags=code.co_flags & ~_ITERABLE) if code.co_flags & _ITERABLE else code
