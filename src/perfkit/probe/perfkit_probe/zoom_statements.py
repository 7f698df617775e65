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
from .zoom_counts import Wanted
from .zoom_hooks import Hooks
from .zoom_rewriting import Pair, constants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_Function = type(lambda: None)
_LARGEST = 5_000_000  # bytes of source
# Looking through all objects may take this share of the time.
_SHARE = 0.01
_REMEDY = "restart the target with the sources that are there, or zoom in on another function"


class _State:
    """What one start has changed."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.pairs: dict[str, list[Pair]] = {}
        # By the code's id: what it was, or what there is instead. Both hold the code, so that no other one gets the id.
        self.originals: dict[int, tuple[CodeType, CodeType]] = {}
        self.replaced: dict[int, tuple[CodeType, CodeType]] = {}
        self.hooks: list[Hooks] = []
        self.modules = 0
        self.next_look = 0.0


_state = _State(Wanted([]))


def refusal() -> tuple[str, str] | None:
    """(why, remedy) when lines cannot be counted here."""
    if sys.implementation.name != "cpython":
        return "the target runs on %s" % sys.implementation.name, "measure with CPython"
    return None


def start(wanted: Wanted) -> None:
    global _state
    _state = _State(wanted)
    _look()


def look_again() -> None:
    """Take in functions of modules that were imported since, at a price that does not matter."""
    now = monotonic()
    if len(sys.modules) != _state.modules and now >= _state.next_look:
        _look()


def _look() -> None:
    began = monotonic()
    _state.modules = len(sys.modules)
    for function in _functions():
        code = function.__code__
        if _state.wanted.lines(code.co_filename) and id(code) not in _state.originals:
            new = _instead(code)
            if new is not code:
                function.__code__ = new
    _state.next_look = monotonic() + (monotonic() - began) / _SHARE


def stop() -> None:
    """Give every function its code back, those as well that were made meanwhile."""
    for hooks in _state.hooks:
        hooks.on = False
    originals = _state.originals
    if originals:
        for function in _functions():
            known = originals.get(id(function.__code__))
            if known is not None:
                function.__code__ = known[0]


def _functions() -> list[Any]:
    return [one for one in gc.get_objects() if type(one) is _Function]


def _instead(code: CodeType) -> CodeType:
    """With hooks, if it is wanted, and with what is wanted among the functions inside of it."""
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
    for pair in pairs:
        if pair.plain.co_firstlineno == code.co_firstlineno and pair.plain.co_name == code.co_name:
            if pair.plain != code:
                _left(code, "its code is not what its source says: the file has changed, or something rewrote it")
                return code
            if pair.refused:
                _left(code, pair.refused)
                return code
            if pair.wanted:
                function = zoom_counts.function(key, pair.name)
                new, hooks = zoom_rewriting.with_hooks(pair, code, nested, function)
                _state.hooks.append(hooks)
                return new
    _left(code, "it is not in its source in a way that can be counted")
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
                found = zoom_rewriting.pairs(source.read(), file, set(_state.wanted.lines(file)))
            _state.pairs[file] = found
            return found
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        why = "its source cannot be read: %s" % type(error).__name__
    zoom_counts.gap("lines of functions in %s" % file, why, _REMEDY)
    _state.pairs[file] = []
    return None


def _left(code: CodeType, why: str) -> None:
    zoom_counts.gap("lines of %s (%s:%d)" % (code.co_name, code.co_filename, code.co_firstlineno), why, _REMEDY)
