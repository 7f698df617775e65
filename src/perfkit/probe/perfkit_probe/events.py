"""What events look like: packed as docs/reference/spool.md says, and before that, for statements, in memory.

A statement is a list until it is written, so that the rows fetched of it cost an addition and no event of their own:

    0 kind  1 request  2 name  3 stack  4 start  5 seconds  6 rows changed  7 hash of its parameters, None unknown
    8 start of its fetch, 0.0 where that is the statement's end  9 seconds of its fetch  10 rows fetched

Written, it is two spans at most. Its kind is `WRITTEN` from then on and its rows `CLOSED`: who fetches more gives it to the
spool again (`statements.fetched`), and it becomes a span of the further rows alone.
"""

from __future__ import annotations

from _struct import Struct
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Statement = list[Any]

# type, kind, request, name, stack, start, seconds, count, key
SPAN = Struct("<cBIIIddqq").pack
# type, kind, number, endpoint, start, seconds, cpu (NaN: unknown), status, size (-1: unknown)
REQUEST = Struct("<cBIIdddiq").pack
WRITTEN = CLOSED = -1
_FETCH = 1  # in spool.KINDS
_MOST_KEYS = 20_000
_numbers = count(1)
_numbered: dict[int, int] = {}


def packed(events: list[Any]) -> tuple[bytes, Exception | None]:
    """The bytes of all, and the error of one that could not be packed, which is left out."""
    parts: list[bytes] = []
    add, known_key = parts.append, _numbered.get
    failed: Exception | None = None
    for event in events:
        if type(event) is bytes:
            add(event)
            continue
        # Another thread may fetch meanwhile: what it adds after this line is lost, and nothing is written twice.
        kind, of, name, stack, started, seconds, rows, hashed, begun, spent, fetched = event
        event[0] = WRITTEN
        event[10] = CLOSED
        try:
            if kind >= 0:
                key = 0
                if hashed is not None:
                    identity = hash((name, hashed))
                    key = known_key(identity) or _key(identity)
                add(SPAN(b"S", kind, of, name, stack, started, seconds, rows, key))
            if fetched > 0:
                add(SPAN(b"S", _FETCH, of, name, stack, begun or started + seconds, spent, fetched, 0))
        except MemoryError:
            raise
        except Exception as error:
            failed = error
    return b"".join(parts), failed


def _key(identity: int) -> int:
    """A number for statement and parameters, never 0: equal where both are equal. The hash behind it is the process's own
    and never leaves it."""
    if len(_numbered) >= _MOST_KEYS:
        _numbered.clear()
    number = _numbered[identity] = next(_numbers)
    return number
