"""Nouns as JSON and back, field by field: what a document says is believed only where the noun's types allow it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from perfkit.recordings.checks import DamagedError

T = TypeVar("T")
_LARGEST = 2**63


def written(noun: object) -> str:
    """One line of JSON. Mappings whose keys are no strings become lists of pairs."""
    return json.dumps(_document(noun), separators=(",", ":"), allow_nan=False)


def read(noun: type[T], text: object) -> T:
    """The noun that `written` wrote. Raises DamagedError."""
    if not isinstance(text, str):
        raise DamagedError(f"a {noun.__name__.lower()} is no text")
    try:
        value: T = _value(noun, json.loads(text), noun.__name__.lower())
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"a {noun.__name__.lower()} is not JSON") from error
    return value


def _document(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _document(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: _document(item) for key, item in value.items()}
        return [[key, _document(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [_document(item) for item in value]
    return value


@cache
def _hints(noun: type) -> Mapping[str, Any]:
    return get_type_hints(noun)


def _value(hint: Any, found: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if found is None and NoneType in args:
            return None
        return _value(next(arg for arg in args if arg is not NoneType), found, where)
    if origin is Literal:
        return _checked(found, found in args, where)
    if origin in (tuple, list):
        return _sequence(origin, args, found, where)
    if origin is not None:
        return _mapping(origin, args, found, where)
    if is_dataclass(hint):
        return _noun(hint, found, where)
    return _plain(hint, found, where)


def _noun(noun: Any, found: Any, where: str) -> Any:
    _checked(found, isinstance(found, dict), where)
    hints = _hints(noun)
    values = {name: _value(hints[name], item, f"{where}.{name}") for name, item in found.items() if name in hints}
    try:
        return noun(**values)
    except TypeError as error:
        raise DamagedError(f"{where} is incomplete") from error


def _sequence(origin: Any, args: tuple[Any, ...], found: Any, where: str) -> Any:
    _checked(found, isinstance(found, list), where)
    if origin is list or args[-1] is Ellipsis:
        return origin(_value(args[0], item, where) for item in found)
    _checked(found, len(found) == len(args), where)
    return tuple(_value(arg, item, where) for arg, item in zip(args, found, strict=True))


def _mapping(origin: Any, args: tuple[Any, ...], found: Any, where: str) -> Any:
    """A Counter, a dict, or a Mapping, of which a dict is one."""
    made: dict[Any, Any] = Counter() if origin is Counter else {}
    key_type, item_type = (args[0], int) if origin is Counter else args
    if isinstance(found, list):
        _checked(found, all(isinstance(pair, list) and len(pair) == 2 for pair in found), where)
    pairs = found.items() if isinstance(found, dict) else _checked(found, isinstance(found, list), where)
    for key, item in pairs:
        made[_value(key_type, key, where)] = _value(item_type, item, where)
    return made


def _plain(hint: type, found: Any, where: str) -> Any:
    if hint is float and type(found) is int:
        found = float(found)
    _checked(found, type(found) is hint, where)
    if hint is int:
        _checked(found, -_LARGEST <= found < _LARGEST, where)
    elif hint is float:
        _checked(found, math.isfinite(found), where)
    return found


def _checked(found: Any, fits: bool, where: str) -> Any:
    if not fits:
        raise DamagedError(f"{where} has a value that cannot be")
    return found
