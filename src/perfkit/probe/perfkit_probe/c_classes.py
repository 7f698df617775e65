"""Classes that are written in C cannot be changed: what stands in for them, with methods of ours.

A class of the application's own keeps its overrides: ours stand between them and the library's.
"""

from __future__ import annotations

from time import monotonic

from . import spool
from .requests import FETCH
from .spool import SPAN, keep
from .statements import NOTHING, fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_CLASSES = 1000


class Classes:
    """The classes of cursors that stand in for those of the application, one for each."""

    def __init__(self, base: Any, ours: Any) -> None:
        self._base = base
        self._ours = ours
        self._known: dict[Any, Any] = {}

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
        made = leaf(factory, self._base, self._ours, ("perfkit_last", "perfkit_rows", "perfkit_seconds"))
        theirs: Any = getattr(factory, "__del__", None)

        def __del__(self: Any) -> None:
            try:
                rows = self.perfkit_rows
                number, stack, of = self.perfkit_last
                if rows and number and not spool.closed:
                    # As `singles`: most cursors end here, with one row.
                    seconds = self.perfkit_seconds
                    keep(SPAN(b"S", FETCH, of, number, stack, monotonic() - seconds, seconds, rows, 0))
            except Exception as error:  # it was never used, or the interpreter is ending
                del error

        def first_ours(self: Any) -> None:
            __del__(self)
            theirs(self)

        made.__del__ = __del__ if theirs is None else first_ours
        return self._known.setdefault(factory, made)


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


def begin(cursor: Any) -> None:
    """Nothing is counted yet."""
    cursor.perfkit_last = NOTHING
    cursor.perfkit_rows = 0
    cursor.perfkit_seconds = 0.0


def singles(cursor: Any) -> None:
    """One span for all rows that were fetched one by one."""
    try:
        rows, seconds = cursor.perfkit_rows, cursor.perfkit_seconds
    except AttributeError:  # the application made it of the class itself
        begin(cursor)
        return
    if rows:
        cursor.perfkit_rows = 0
        cursor.perfkit_seconds = 0.0
        fetched(cursor.perfkit_last, monotonic() - seconds, seconds, rows)
