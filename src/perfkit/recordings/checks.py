"""Nothing is believed that a file says: columns come in, and DamagedError goes out where one cannot be true."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_SIGNED = frozenset({"line", "first_line", "exit_code", "more_blocks", "more_bytes"})
_UNSIGNED_FLOATS = frozenset({"seconds", "rate", "duration"})
_LARGEST = 2**63


class DamagedError(Exception):
    """A reason why a file cannot be what a Writer wrote; the reader adds which file and what to do."""


def check_column(noun: type, name: str, values: Sequence[Any]) -> None:
    """Values of one field of a noun must have its type, be finite, and not be negative where they count something."""
    types, choices = _allowed(noun, name)
    where = f"{noun.__name__.lower()}.{name}"
    if not types.issuperset(map(type, values)):
        raise DamagedError(f"{where} has a value of the wrong type")
    if choices and not choices.issuperset(values):
        raise DamagedError(f"{where} has an unknown value")
    if int in types:
        signed = name in _SIGNED or (float in types and name not in _UNSIGNED_FLOATS)
        _check_numbers(where, signed, [value for value in values if value is not None])


def _check_numbers(where: str, signed: bool, numbers: Sequence[float]) -> None:
    if not numbers:
        return
    low, high = min(numbers), max(numbers)
    if not signed and low < 0:
        raise DamagedError(f"{where} is negative")
    if any(isinstance(end, int) and not -_LARGEST <= end < _LARGEST for end in (low, high)):
        raise DamagedError(f"{where} is out of range")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DamagedError(f"{where} is not a finite number")


def check_references(what: str, used: Iterable[object], known: Iterable[object]) -> None:
    """Every id that is used must be one that is known; None refers to nothing."""
    for missing in set(used).difference(known, (None,)):
        raise DamagedError(f"{what} {missing!r} is used but not there")


@cache
def _allowed(noun: type, name: str) -> tuple[frozenset[type], frozenset[Any]]:
    """The Python types that a field may have, and its choices where it is a Literal."""
    types: set[type] = set()
    choices: set[Any] = set()
    hint = get_type_hints(noun)[name]
    for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        if get_origin(part) is Literal:
            choices.update(get_args(part))
            types.add(str)
        elif part is float:
            types.update((float, int))  # SQLite and JSON write 2.0 as 2
        else:
            types.add(get_origin(part) or part)
    if choices and NoneType in types:
        choices.add(None)
    return frozenset(types), frozenset(choices)
