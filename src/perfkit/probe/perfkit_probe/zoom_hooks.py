"""What the statements that `zoom_rewriting` puts into a function call, before Python 3.12. Nothing here raises by itself.

A call's state is in a variable of its own, whose name no source can have; where a function looks at its variables, it is
found by the frame. All that is called often has what it needs in its defaults: generators are closed when modules are empty
already.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from sys import _getframe
from time import monotonic

from .zoom_counts import CALLS, NOWHERE, Activation, Cell, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE = _getframe().f_code.co_filename
running: dict[int, Hooked] = {}
# Of functions that look at their variables, by the frame's id.
_hidden: dict[int, Hooked] = {}
_end = running.pop
_end_hidden = _hidden.pop


class Hooked(Activation):
    """One call of a function with hooks."""

    __slots__ = ()

    def line(self, line: int, clock: Any = monotonic, make: Any = Cell) -> None:
        """A line begins, and the one before it ends."""
        now = clock()
        self.cell.seconds += now - self.since
        self.since = now
        try:
            self.cell = cell = self.cells[line]
        except KeyError:
            self.cell = cell = self.cells[line] = make()
        cell.hits += 1

    def passed(self, value: Any, line: int) -> Any:
        """The same in an expression."""
        self.line(line)
        return value

    def leave(self, clock: Any = monotonic, end: Any = _end, identity: Any = id) -> None:
        """The frame returns or is unwound."""
        self.cell.seconds += clock() - self.since
        end(identity(self), None)

    def leave_hidden(
        self, frame: Any = _getframe, leave: Any = leave, end: Any = _end_hidden, identity: Any = id
    ) -> None:
        leave(self)
        end(identity(frame(1)), None)

    def pause(self, value: Any, clock: Any = monotonic, nowhere: Cell = NOWHERE) -> Any:
        """`value` is about to be yielded."""
        self.cell.seconds += clock() - self.since
        self.paused = self.cell
        self.cell = nowhere
        return value

    def resume(self, value: Any, clock: Any = monotonic) -> Any:
        """`value` is what the yield gave."""
        self.cell = self.paused
        self.since = clock()
        return value

    def awaiting(self, value: Any) -> Any:
        """What to await instead of `value`."""
        return _awaited(self, value)

    def delegating(self, value: Any) -> Any:
        """What to `yield from` instead of `value`."""
        if type(value) is _Coroutine or not hasattr(type(value), "__iter__"):
            return value
        return _driven(self, value, iter)

    def managing(self, value: Any) -> Any:
        """What to use in `async with` instead of `value`."""
        kind = type(value)
        fits = hasattr(kind, "__aenter__") and hasattr(kind, "__aexit__")
        return _Manager(self, value) if fits else value

    def iterating(self, value: Any) -> Any:
        """What to use in `async for` instead of `value`."""
        return _Iterable(self, value) if hasattr(type(value), "__aiter__") else value

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


# What does nothing and needs nothing: code may be sent to a process where there is no probe (cloudpickle does that).
_ELSEWHERE = """type("Off", (), {
    **{name: lambda self, *values: self for name in ("enter", "here")},
    **{name: lambda self, *values: None for name in ("enter_hidden", "leave_hidden", "leave", "line", "shown")},
    **{name: lambda self, value, *line: value for name in (
        "passed", "pause", "resume", "awaiting", "delegating", "managing", "iterating"
    )},
    "begin": lambda self, line: 0.0,
    "end": lambda self, began, value, line: value,
})()"""


class Hooks:
    """Of one function: a constant of its code, so that the function's names and closure stay what they were."""

    __slots__ = ("function", "on")
    COUNTS = "lines"

    def __init__(self, function: Function) -> None:
        self.function = function
        self.on = True

    def __reduce__(self) -> Any:
        return eval, (_ELSEWHERE,)

    def enter(
        self,
        make: Any = Hooked,
        calls: int = CALLS,
        under_way: Any = running,
        identity: Any = id,
        thread: Any = get_ident,
    ) -> Hooked:
        """A call begins."""
        if not self.on:
            at: Hooked = make({})
            return at
        cells = self.function.threads.get(thread()) or self.function.cells()
        cells[calls].hits += 1
        at = make(cells)
        under_way[identity(at)] = at
        return at

    def enter_hidden(self, frame: Any = _getframe, hidden: Any = _hidden, identity: Any = id) -> None:
        hidden[identity(frame(1))] = self.enter()

    def here(self, frame: Any = _getframe, hidden: Any = _hidden, identity: Any = id, make: Any = Hooked) -> Hooked:
        """The state of the frame that calls."""
        at: Hooked | None = hidden.get(identity(frame(1)))
        return make({}) if at is None else at

    def begin(self, line: int, clock: Any = monotonic, calls: int = CALLS, make: Any = Cell) -> float:
        """A lambda begins: it cannot be told when it is unwound, and nothing is kept of it."""
        if not self.on:
            return 0.0
        cells = self.function.cells()
        cells[calls].hits += 1
        cells.setdefault(line, make()).hits += 1
        return float(clock())

    def end(self, began: float, value: Any, line: int, clock: Any = monotonic) -> Any:
        """The lambda's value is there."""
        if self.on and began:
            cell = self.function.cells().get(line)
            if cell is not None:
                cell.seconds += clock() - began
        return value


def _driven(at: Hooked, value: Any, begin: Any) -> Any:
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
        at.pause(None)
        try:
            sent = yield out
        except GeneratorExit:
            at.resume(None)
            if hasattr(source, "close"):
                source.close()
            raise
        except BaseException as error:
            at.resume(None)
            if not hasattr(source, "throw"):
                raise
            thrown, sent = error, None
            if error.__traceback__ is not None:
                thrown.__traceback__ = error.__traceback__.tb_next
        else:
            at.resume(None)


async def _nothing() -> None:
    return None


_never = _nothing()
_Coroutine = type(_never)
_never.close()
_Generator = type(_driven(Hooked({}), (), iter))


def _driven_coroutine(at: Hooked, value: Any, begin: Any) -> Any:
    return (yield from ())


# The same code, and what it makes may be awaited.
_driven_coroutine.__code__ = _driven.__code__.replace(co_flags=_driven.__code__.co_flags | 0x100)
_driven_coroutine.__defaults__ = _driven.__defaults__


def _awaited(at: Hooked, value: Any) -> Any:
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

    def __init__(self, at: Hooked, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aenter__(self) -> Any:
        return _awaited(self._at, type(self._genuine).__aenter__(self._genuine))

    def __aexit__(self, *error: Any) -> Any:
        return _awaited(self._at, type(self._genuine).__aexit__(self._genuine, *error))


class _Iterable:
    __slots__ = ("_at", "_genuine")

    def __init__(self, at: Hooked, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aiter__(self) -> Any:
        iterator = type(self._genuine).__aiter__(self._genuine)
        return _Iterator(self._at, iterator) if hasattr(type(iterator), "__anext__") else iterator


class _Iterator:
    __slots__ = ("_at", "_genuine")

    def __init__(self, at: Hooked, genuine: Any) -> None:
        self._at = at
        self._genuine = genuine

    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        return _awaited(self._at, type(self._genuine).__anext__(self._genuine))
