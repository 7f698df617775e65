"""Classes that are written in C cannot be changed: what stands in for them, with methods of ours.

A class of the application's own keeps its overrides: ours stand between them and the library's.
"""

from __future__ import annotations

from time import monotonic

from . import frames, spool
from .spool import KEEP
from .statements import fetched, single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_CLASSES = 1000
# Where no size is given, the library's own default stands.
_AS_IT_IS: Any = object()


class Classes:
    """The classes of cursors that stand in for those of the application, one for each."""

    def __init__(self, base: Any, ours: Any) -> None:
        self._base = base
        self._ours = ours
        self._known: dict[Any, Any] = {}
        self.known = self._known.get

    def of(self, factory: Any) -> Any:
        """What cannot be extended stays as it is, and what is no factory is the library's to refuse."""
        try:
            return self._known.get(factory) or self._made(factory)
        except Exception as error:
            spool.broken("cursors of %s" % self._base.__module__, error)
            return factory

    def _made(self, factory: Any) -> Any:
        if not (isinstance(factory, type) and issubclass(factory, self._base)) or len(self._known) >= MOST_CLASSES:
            return factory
        return self._known.setdefault(factory, leaf(factory, self._base, self._ours, ("perfkit_last",)))


def leaf(factory: Any, base: Any, ours: Any, slots: tuple[str, ...]) -> Any:
    """A class that prints as the factory, is a subclass of it, and has our methods just above the library's own."""
    bases = (ours,) if factory is base else (factory, ours)
    texts = {"__module__": factory.__module__, "__qualname__": factory.__qualname__, "__doc__": factory.__doc__}
    made = type(factory)(factory.__name__, bases, {"__slots__": slots, **texts})
    if factory is base:
        made.__reduce_ex__ = _refuse  # the library's own message names its module
    return made


def _refuse(self: Any, protocol: Any) -> Any:
    raise TypeError("cannot pickle '%s.%s' object" % (type(self).__module__, type(self).__name__))


def fetches(base: Any) -> tuple[Any, Any, Any, Any]:
    """fetchall, fetchmany, fetchone and __next__ of a class of cursors. `perfkit_last` is what `executed` gave; a cursor that
    has executed nothing has none.

    Nearly every statement comes by: what `fetched` and `single` would do to one that is not written yet is done here.
    """
    base_one, base_many, base_all, base_next = base.fetchone, base.fetchmany, base.fetchall, base.__next__

    @frames.marked("span:fetch")
    def fetchall(self: Any) -> Any:
        started = monotonic()
        rows = base_all(self)
        if rows:
            seconds = monotonic() - started
            try:
                last = self.perfkit_last
                if last[10] or seconds > KEEP:
                    fetched(last, started, seconds, len(rows))
                else:
                    last[8] = started
                    last[9] = seconds
                    last[10] = len(rows)
            except AttributeError:
                pass
        return rows

    @frames.marked("span:fetch")
    def fetchmany(self: Any, size: Any = _AS_IT_IS) -> Any:
        started = monotonic()
        rows = base_many(self) if size is _AS_IT_IS else base_many(self, size)
        if rows:
            seconds = monotonic() - started
            try:
                last = self.perfkit_last
                if last[10] or seconds > KEEP:
                    fetched(last, started, seconds, len(rows))
                else:
                    last[8] = started
                    last[9] = seconds
                    last[10] = len(rows)
            except AttributeError:
                pass
        return rows

    @frames.marked("span:fetch")
    def fetchone(self: Any) -> Any:
        started = monotonic()
        row = base_one(self)
        try:
            last = self.perfkit_last
            seconds = monotonic() - started
            rows = last[10]
            if rows < 0:
                single(last, started, row is not None)
            else:
                last[9] += seconds
                if row is not None:
                    last[10] = rows + 1
        except AttributeError:
            pass
        return row

    @frames.marked("span:fetch")
    def __next__(self: Any) -> Any:
        started = monotonic()
        row = base_next(self)
        try:
            last = self.perfkit_last
            seconds = monotonic() - started
            rows = last[10]
            if rows < 0:
                single(last, started, True)
            else:
                last[9] += seconds
                last[10] = rows + 1
        except AttributeError:
            pass
        return row

    return fetchall, fetchmany, fetchone, __next__
