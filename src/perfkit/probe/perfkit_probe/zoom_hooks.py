"""What the statements that `zoom_rewriting` puts into a function call, before Python 3.12. Nothing here raises by itself.

The hooks are methods of a constant of the code, so that the function's names, variables and closure stay what they were.
All that they use is bound in their defaults: generators are closed when modules are empty already.
"""

from __future__ import annotations

import sys
from sys import _getframe
from time import monotonic

from .zoom_counts import CALLS, Activation, Function, under_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_at = under_way.get
_end = under_way.pop
_FILE = _getframe().f_code.co_filename


def _step(at: Activation, line: int, clock: Any = monotonic) -> None:
    now = clock()
    if at.cell is not None:
        at.cell[1] += now - at.since
    at.cell = cell = at.cells.setdefault(line, [0, 0.0])
    cell[0] += 1
    at.since = now


def _pause(at: Activation, clock: Any = monotonic) -> None:
    cell = at.cell
    if cell is not None:
        cell[1] += clock() - at.since
        at.cell = None
    at.paused = cell


def _resume(at: Activation, clock: Any = monotonic) -> None:
    at.cell = at.paused
    at.since = clock()


class Hooks:
    """Of one function."""

    __slots__ = ("function", "on")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.on = True

    def enter(self, frame: Any = _getframe) -> None:
        """A call begins."""
        if self.on:
            cells = self.function.cells()
            cells[CALLS][0] += 1
            under_way[id(frame(1))] = Activation(cells)

    def line(
        self, line: int, frame: Any = _getframe, clock: Any = monotonic, of: Any = _at, identity: Any = id
    ) -> None:
        """A line begins, and the one before it ends."""
        at = of(identity(frame(1)))
        if at is None:
            return
        now = clock()
        cell = at.cell
        if cell is not None:
            cell[1] += now - at.since
        cells = at.cells
        if line in cells:
            cell = cells[line]
        else:
            cell = cells[line] = [0, 0.0]
        cell[0] += 1
        at.cell = cell
        at.since = now

    def passed(self, value: Any, line: int, frame: Any = _getframe, of: Any = _at, step: Any = _step) -> Any:
        """The same in an expression."""
        at = of(id(frame(1)))
        if at is not None:
            step(at, line)
        return value

    def leave(self, frame: Any = _getframe, clock: Any = monotonic, end: Any = _end, identity: Any = id) -> None:
        """The frame returns or is unwound."""
        at = end(identity(frame(1)), None)
        if at is not None:
            cell = at.cell
            if cell is not None:
                cell[1] += clock() - at.since

    def pause(self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id, pause: Any = _pause) -> Any:
        """`value` is about to be yielded."""
        at = of(identity(frame(1)))
        if at is not None:
            pause(at)
        return value

    def resume(
        self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id, resume: Any = _resume
    ) -> Any:
        """`value` is what the yield gave."""
        at = of(identity(frame(1)))
        if at is not None:
            resume(at)
        return value

    def awaiting(self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id) -> Any:
        """What to await instead of `value`."""
        at = of(identity(frame(1)))
        return value if at is None else _awaited(at, value)

    def delegating(self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id) -> Any:
        """What to `yield from` instead of `value`."""
        at = of(identity(frame(1)))
        if at is None or type(value) is _Coroutine or not hasattr(type(value), "__iter__"):
            return value
        return _driven(at, value, iter)

    def managing(self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id) -> Any:
        """What to use in `async with` instead of `value`."""
        at = of(identity(frame(1)))
        kind = type(value)
        if at is None or not hasattr(kind, "__aenter__") or not hasattr(kind, "__aexit__"):
            return value
        return _Manager(at, value)

    def iterating(self, value: Any, frame: Any = _getframe, of: Any = _at, identity: Any = id) -> Any:
        """What to use in `async for` instead of `value`."""
        at = of(identity(frame(1)))
        return value if at is None or not hasattr(type(value), "__aiter__") else _Iterable(at, value)

    def begin(self, line: int, clock: Any = monotonic) -> float:
        """A lambda begins: it cannot be told when it is unwound, and nothing is kept of it."""
        if not self.on:
            return 0.0
        cells = self.function.cells()
        cells[CALLS][0] += 1
        cells.setdefault(line, [0, 0.0])[0] += 1
        return float(clock())

    def end(self, began: float, value: Any, line: int, clock: Any = monotonic) -> Any:
        """The lambda's value is there."""
        if self.on and began:
            self.function.cells().setdefault(line, [0, 0.0])[1] += clock() - began
        return value

    def shown(self, exc_info: Any = sys.exc_info, file: str = _FILE) -> None:
        """An exception is handled, or leaves: what drives awaited things for us goes out of its traceback."""
        entry = exc_info()[2]
        while entry is not None:
            following = entry.tb_next
            while following is not None and following.tb_frame.f_code.co_filename == file:
                following = following.tb_next
            if following is not entry.tb_next:
                entry.tb_next = following
            entry = following


def _driven(at: Activation, value: Any, begin: Any, pause: Any = _pause, resume: Any = _resume) -> Any:
    """Does what `yield from` does (PEP 380), and stops the clock of `at` wherever it is suspended in it."""
    source = begin(value)
    value = None  # it lives no longer than without us
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        try:
            if thrown is not None:
                error, thrown = thrown, None
                out = source.throw(error)
            elif sent is None and hasattr(type(source), "__next__"):
                out = next(source)
            else:
                out = source.send(sent)
        except StopIteration as end:
            return end.value
        pause(at)
        try:
            sent = yield out
        except GeneratorExit:
            resume(at)
            if hasattr(source, "close"):
                source.close()
            raise
        except BaseException as error:
            resume(at)
            if not hasattr(source, "throw"):
                raise
            thrown, sent = error, None
            if error.__traceback__ is not None:
                thrown.__traceback__ = error.__traceback__.tb_next
        else:
            resume(at)


async def _nothing() -> None:
    return None


_never = _nothing()
_Coroutine = type(_never)
_never.close()
_Generator = type(_driven(Activation({}), (), iter))


def _driven_coroutine(at: Activation, value: Any, begin: Any) -> Any:
    return (yield from ())


# The same code, and what it makes may be awaited.
_driven_coroutine.__code__ = _driven.__code__.replace(co_flags=_driven.__code__.co_flags | 0x100)
_driven_coroutine.__defaults__ = _driven.__defaults__


def _awaited(at: Activation, value: Any) -> Any:
    kind = type(value)
    if kind is _Coroutine:
        # Python refuses by itself what is awaited elsewhere already.
        return value if value.cr_await is not None else _driven_coroutine(at, value, _itself)
    if kind is _Generator:
        return value  # one of the old kind, which may be awaited or not
    if not hasattr(kind, "__await__"):
        return value
    return _driven_coroutine(at, value, _iterator)


def _itself(value: Any) -> Any:
    return value


def _iterator(value: Any) -> Any:
    made = type(value).__await__(value)
    if type(made) is _Coroutine:
        raise TypeError("__await__() returned a coroutine")
    if not hasattr(type(made), "__next__"):
        raise TypeError("__await__() returned non-iterator of type '%s'" % type(made).__name__)
    return made


class _Manager:
    __slots__ = ("_at", "_genuine")

    def __init__(self, at: Activation, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aenter__(self) -> Any:
        return _awaited(self._at, type(self._genuine).__aenter__(self._genuine))

    def __aexit__(self, *error: Any) -> Any:
        return _awaited(self._at, type(self._genuine).__aexit__(self._genuine, *error))


class _Iterable:
    __slots__ = ("_at", "_genuine")

    def __init__(self, at: Activation, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aiter__(self) -> Any:
        iterator = type(self._genuine).__aiter__(self._genuine)
        return _Iterator(self._at, iterator) if hasattr(type(iterator), "__anext__") else iterator


class _Iterator:
    __slots__ = ("_at", "_genuine")

    def __init__(self, at: Activation, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        return _awaited(self._at, type(self._genuine).__anext__(self._genuine))
