"""What events look like: packed as docs/reference/spool.md says, and before that, for statements, in memory.

A statement is a list until it is written, so that the rows fetched of it cost an addition and no event of their own:

    0 kind  1 request  2 name  3 stack  4 start  5 seconds  6 rows changed  7 hash of its parameters, None unknown
    8 start of its fetch, 0.0 where that is the statement's end  9 seconds of its fetch  10 rows fetched

Its rows are `CLOSED` from then on: who fetches more gives it to the spool again (`statements.fetched`), of the kind `WRITTEN`, and it
is written as further rows alone.
"""

from __future__ import annotations

from _struct import Struct
from itertools import count, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Statement = list[Any]

# type, kind, request, name, stack, start, seconds, count, key
SPAN = Struct("<cBIIIddqq").pack
# type, kind, number, endpoint, start, seconds, cpu (NaN: unknown), status, size (-1: unknown)
REQUEST = Struct("<cBIIdddiq").pack
# type, then as in memory, with a key in the place of the hash
STATEMENT = Struct("<cbIIIddqqddq").pack
WRITTEN = CLOSED = -1
_MOST_KEYS = 20_000
_numbers = count(1)
# By hash: equal where the hashes are. Hashes are the process's own and never leave it.
_keys: dict[Any, int] = {None: 0}


def packed(events: list[Any]) -> tuple[bytes, Exception | None]:
    """The bytes of all, and the error of one that could not be packed, which is left out. Statements come last: what defines
    their numbers is among the others."""
    parts: list[bytes] = []
    rows = []
    for event in events:
        if type(event) is list:
            # Another thread may fetch meanwhile: what it adds after this line is lost, and nothing is written twice.
            rows.append(tuple(event))
            event[10] = WRITTEN
        else:
            parts.append(event)
    if not rows:
        return b"".join(parts), None
    # By columns: a loop over so many fields would take three times as long.
    columns = list(zip(*rows))
    keys = list(map(_keys.get, columns[7]))
    columns[7] = map(_key, columns[7]) if None in keys else keys  # type: ignore[call-overload]
    failed, before = None, len(parts)
    try:
        parts += map(STATEMENT, repeat(b"Q"), *columns)
    except MemoryError:
        raise
    except Exception:
        del parts[before:]  # those that came before the one that failed
        failed = _one_by_one(rows, parts)
    return b"".join(parts), failed


def _one_by_one(rows: list[tuple[Any, ...]], parts: list[bytes]) -> Exception | None:
    """One of them cannot be packed: the others are."""
    failed: Exception | None = None
    for row in rows:
        try:
            parts.append(STATEMENT(b"Q", *row[:7], _key(row[7]), *row[8:]))
        except MemoryError:
            raise
        except Exception as error:
            failed = error
    return failed


def _key(hashed: Any) -> int:
    """A number for the parameters of a statement, 0 for unknown ones."""
    known = _keys.get(hashed)
    if known is None:
        if len(_keys) >= _MOST_KEYS:
            _keys.clear()
            _keys[None] = 0
        known = _keys[hashed] = next(_numbers)
    return known
