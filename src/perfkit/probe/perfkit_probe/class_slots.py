"""Classes, objects and functions, read from their C slots: no code of the application's runs.

Types are compared by their numbers: a metaclass decides on what is equal to its classes.
"""

from __future__ import annotations

import gc
import sys
from types import FunctionType, GetSetDescriptorType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TITLE = type.__dict__["__qualname__"].__get__
NAME = type.__dict__["__name__"].__get__
_NAMESPACE = type.__dict__["__dict__"].__get__
_ORDER = type.__dict__["__mro__"].__get__
_DICT = id(dict)
# What a function refers to: its module's names and, from Python 3.10 on, those of the built-in ones.
_WITHOUT_ATTRIBUTES = [type(one) for one in gc.get_referents(lambda: None)].count(dict)


def bases_of(kind: type) -> Any:
    """Of a type of C that was never made ready there are none."""
    return _ORDER(kind) or ()


def members_of(kind: Any) -> Any:
    """Of a type of C that was never made ready there are none."""
    return _NAMESPACE(kind) or {}


def title_of(kind: Any) -> str:
    """A class's name with its module, without asking its metaclass; only the name of built-in ones."""
    module = members_of(kind).get("__module__")
    title = TITLE(kind)
    return "%s.%s" % (module, title) if type(module) is str and module != "builtins" else str(title)


def place_of(kind: Any) -> tuple[str, int]:
    """The file of a class of Python's, and the first line of its methods; an empty name of others."""
    codes = [one.__code__ for one in members_of(kind).values() if type(one) is FunctionType]
    home = sys.modules.get(str(members_of(kind).get("__module__")))
    own = home.__dict__.get("__file__") if type(home) is ModuleType else None
    lines = [code.co_firstlineno for code in codes if code.co_filename == own]
    return (own, min(lines)) if type(own) is str and lines else ("", 0)


def namespace(value: Any) -> Any:
    """An object's attributes; None where reading them would run code of its class."""
    descriptor = attributes_of(bases_of(type(value)))
    return None if descriptor is None else descriptor.__get__(value)


def attributes_of(bases: Any) -> Any:
    """What gives the attributes of objects of a type; None where that is code of its own."""
    for base in bases:
        descriptor = members_of(base).get("__dict__")
        if descriptor is not None:
            return descriptor if type(descriptor) is GetSetDescriptorType else None
    return None


def remembers(function: FunctionType) -> bool:
    """Whether a function has attributes. To ask for its `__dict__` makes one where there is none, which is then there for good."""
    kinds = list(map(id, map(type, gc.get_referents(function))))
    return kinds.count(_DICT) > _WITHOUT_ATTRIBUTES and bool(function.__dict__)


def keeps(function: FunctionType) -> bool:
    """Whether a function may keep something between its calls."""
    return function.__closure__ is not None or function.__defaults__ is not None or remembers(function)
