"""How many bytes a container takes: an estimate, by some of its entries. No code of the application's runs."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict, deque
from itertools import islice
from types import MappingProxyType

from .class_slots import bases_of, namespace
from .containers import CACHED, LENGTHS, PLAIN, Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SAMPLE = 30  # entries whose size is looked at
_SIZED = frozenset(map(id, (str, bytes, int, float, bytearray)))
_SEQUENCES = frozenset(map(id, (tuple, list, set, frozenset, deque)))
_MAPPINGS = frozenset(map(id, (dict, OrderedDict)))


def size_of(kept: Kept) -> int:
    """Bytes: the container's own, and its entries' by what some of them take."""
    held = kept.held
    if type(held) is CACHED:
        inner = [one for one in gc.get_referents(held) if type(one) is dict and one is not held.__dict__]
        if not inner:
            return 0
        held = max(inner, key=len)
    base: Any = next(base for base in bases_of(type(held)) if id(base) in LENGTHS)
    own = int(base.__sizeof__(held))
    try:
        if base is dict:
            entries: Any = [part for pair in islice(dict.items(held), _SAMPLE) for part in pair]
            each = sum(map(_deep, entries)) / max(1, len(entries) // 2)
        elif base is bytearray:
            return own
        else:
            entries = list(islice(base.__iter__(held), _SAMPLE))
            each = sum(map(_deep, entries)) / max(1, len(entries))
    except RuntimeError:  # it was changed meanwhile
        return own
    return own + int(each * kept.length)


def _deep(value: Any, depth: int = 0) -> int:
    kind = type(value)
    if id(kind) in _SIZED:
        return sys.getsizeof(value)
    own = object.__sizeof__(value)
    if depth > 1:
        return own
    inner: Iterator[Any] = iter(())
    if id(kind) in _SEQUENCES:
        own, inner = sys.getsizeof(value), islice(kind.__iter__(value), _SAMPLE)
    elif id(kind) in _MAPPINGS:
        own, inner = sys.getsizeof(value), (part for pair in islice(dict.items(value), _SAMPLE) for part in pair)
    elif id(kind) not in PLAIN and kind is not MappingProxyType:
        values = namespace(value)
        if type(values) is dict:
            own += sys.getsizeof(values)
            inner = islice(iter(list(values.values())), _SAMPLE)
    return own + sum([_deep(part, depth + 1) for part in inner])
