"""psycopg 3: COPY, as one statement that took what its start, its reads and writes, and its end took together."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks
from .psycopg_rows import done, here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_under_way: dict[int, _Copying] = {}


def apply(module: Any) -> None:
    hooks.replaced(module.Cursor, "copy", _copy)
    hooks.replaced(module.AsyncCursor, "copy", _copy)
    for method in ("read", "read_row", "write", "write_row"):
        hooks.replaced(module.Copy, method, _step)
        hooks.replaced(module.AsyncCopy, method, _async_step)


def _copy(original: Any) -> Any:
    """Both kinds of `copy` are plain functions that give a context manager."""

    def copy(self: Any, statement: Any, params: Any = None, **kwargs: Any) -> Any:
        return _Copying(original(self, statement, params, **kwargs), self, statement, params)

    return copy


class _Copying:
    """Stands in for psycopg's context manager."""

    __slots__ = ("_cursor", "_manager", "_params", "_stack", "_statement", "seconds")

    def __init__(self, manager: Any, cursor: Any, statement: Any, params: Any) -> None:
        self._manager = manager
        self._cursor = cursor
        self._statement = statement
        self._params = params
        self._stack = 0
        self.seconds = 0.0

    def _begin(self, stack: int) -> float:
        self._stack = stack
        _under_way[id(self._cursor)] = self
        return monotonic()

    def _end(self) -> None:
        _under_way.pop(id(self._cursor), None)
        done(self._cursor, self._statement, self._params, monotonic() - self.seconds, self._stack)

    @frames.marked("span:sql")
    def __enter__(self) -> Any:
        started = self._begin(here())
        try:
            copy = self._manager.__enter__()
        except BaseException:
            self.seconds += monotonic() - started
            self._end()
            raise
        self.seconds += monotonic() - started
        return copy

    @frames.marked("span:sql")
    def __exit__(self, *error: Any) -> Any:
        started = monotonic()
        try:
            return self._manager.__exit__(*error)
        finally:
            self.seconds += monotonic() - started
            self._end()

    @frames.marked("span:sql")
    async def __aenter__(self) -> Any:
        started = self._begin(here())
        try:
            copy = await self._manager.__aenter__()
        except BaseException:
            self.seconds += monotonic() - started
            self._end()
            raise
        self.seconds += monotonic() - started
        return copy

    @frames.marked("span:sql")
    async def __aexit__(self, *error: Any) -> Any:
        started = monotonic()
        try:
            return await self._manager.__aexit__(*error)
        finally:
            self.seconds += monotonic() - started
            self._end()


def _took(copy: Any, started: float) -> None:
    one = _under_way.get(id(copy.cursor))
    if one is not None:
        one.seconds += monotonic() - started


def _step(original: Any) -> Any:
    @frames.marked("span:sql")
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            return original(self, *args, **kwargs)
        finally:
            _took(self, started)

    return step


def _async_step(original: Any) -> Any:
    @frames.marked("span:sql")
    async def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        try:
            return await original(self, *args, **kwargs)
        finally:
            _took(self, started)

    return step
