"""Containers that live as long as the process: what modules, classes, functions and their objects keep is looked through, and
what grew from one look to the next comes out.

Nothing here runs code of the application: types are read as `class_slots` has it, lengths by the methods of the built-in base classes.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections import deque
from types import CellType, FunctionType, MethodType, ModuleType

from .class_slots import NAME, TITLE, attributes_of, bases_of, keeps, members_of, remembers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Objects of one look; a process that has more is looked through in part.
_MOST_OBJECTS = 30_000
_DEEPEST = 2  # objects of objects of a module
# Types are known by their numbers: a metaclass decides on what is equal to its classes, and that is the application's code.
LENGTHS: Any = {id(kind): kind.__len__ for kind in (dict, list, set, deque, bytearray)}
CACHED = type(functools.lru_cache(maxsize=1)(len))
PLAIN = frozenset(
    map(id, (str, bytes, int, float, bool, type(None), complex, range, frozenset, tuple, ModuleType, property))
)
_UNWRAPPED = frozenset(map(id, (staticmethod, classmethod, MethodType)))
# From here on an object has no `__dict__` until somebody asks for it.
_ATTRIBUTES_APART = sys.version_info >= (3, 11)
# What such an object refers to is as much as it holds.
_HOLDING = frozenset(map(id, (tuple, frozenset)))


class Kept:
    """A container at a look: `name` as `module.NAME`, `file` and `path` for who wants to find the line that makes it."""

    __slots__ = ("bound", "file", "held", "hits", "kind", "length", "line", "misses", "name", "path")

    def __init__(self, name: str, kind: str, file: str, path: str, length: int, held: Any) -> None:
        self.name, self.kind, self.file, self.path = name, kind, file, path
        self.line, self.length, self.held = 0, length, held
        self.bound = self.hits = self.misses = -1


class _Shape:
    """How objects of a type are read. `base` is the container among its bases, `descriptor` gives its objects' attributes; none of them:
    it is looked at no further. `apart`: what its objects refer to tells whether to ask for their attributes. It holds the type, whose
    number is what it is known by: a metaclass's own idea of being equal would be code of the application's."""

    __slots__ = ("apart", "base", "descriptor", "file", "is_class", "kind", "module", "title")

    def __init__(self, kind: Any) -> None:
        bases = bases_of(kind)
        self.kind = kind
        self.is_class = any(base is type for base in bases)
        self.base = next((base for base in bases if id(base) in LENGTHS), None)
        self.descriptor: Any = None if self.is_class or self.base is not None else attributes_of(bases)
        self.apart = _ATTRIBUTES_APART and all(id(base) not in _HOLDING for base in bases)
        self.module = self.title = self.file = ""
        if self.descriptor is not None:
            module = members_of(kind).get("__module__")
            home = sys.modules.get(module) if type(module) is str else None
            file = home.__dict__.get("__file__") if type(home) is ModuleType else ""
            self.module, self.title = str(module), str(TITLE(kind))
            self.file = file if type(file) is str else ""


class Look:
    """One look at everything. Modules that were imported last come first: who defines a name is imported by who uses it.

    Most of what there is cannot grow: it is passed by before anything is called, or made, for it. `barren` are then the numbers
    of what was looked at and holds nothing that could. A look that is given those passes them by: it costs less, and what they
    have come to hold, and what has taken the place of one that is gone, waits for the next whole look. Containers of fewer
    than `least` entries are not told of."""

    def __init__(self, barren: frozenset[int] = frozenset(), least: int = 0) -> None:
        self.found: list[Kept] = []
        self.barren: set[int] = set()
        self._least = least
        self._containers = 0  # passed so far, told of or not
        self._seen: set[int] = set(barren)
        self._left = _MOST_OBJECTS
        self._shapes: dict[int, _Shape] = {}
        self._plain = set(PLAIN)  # numbers of types

    def run(self) -> list[Kept]:
        own = __name__.rpartition(".")[0]
        holding: set[int] = set()  # a module may have two names
        for name, module in reversed(list(sys.modules.items())):
            known = id(module) in self._seen or type(module) is not ModuleType
            if not known and name != own and not name.startswith((own + ".", "builtins")):
                before = self._containers
                self._module(name, module)
                (self.barren if self._containers == before else holding).add(id(module))
        self.barren -= holding
        return self.found

    def _module(self, name: str, module: ModuleType) -> None:
        values = module.__dict__
        file = values.get("__file__")
        file = file if type(file) is str else ""
        for key, value in self._worth(values):
            if not key.startswith("__"):
                self._value(name + "." + key, value, name, file, key, 0)

    def _worth(self, values: Any) -> list[tuple[str, Any]]:
        """What of a namespace may hold something that grows, and was not seen yet."""
        plain, seen, passed = self._plain, self._seen, self.barren.add
        return [
            (key, value)
            for key, value in list(values.items())
            if id(type(value)) not in plain
            and id(value) not in seen
            and type(key) is str
            and (type(value) is not FunctionType or keeps(value) or passed(id(value)))
        ]

    def _value(self, name: str, value: Any, module: str, file: str, path: str, depth: int) -> None:
        kind = type(value)
        if id(kind) in self._plain or self._left <= 0 or id(value) in self._seen:
            return
        self._left -= 1
        self._seen.add(id(value))
        before = self._containers
        if kind is FunctionType:
            self._function(name, value, module, file, depth)
        elif kind is CACHED:
            self._cached(name, value)
        elif id(kind) in _UNWRAPPED:
            self._value(name, value.__func__, module, file, path, depth)
        else:
            self._shaped(name, value, module, file, path, depth)
        if self._containers == before and id(value) in self._seen:
            self.barren.add(id(value))

    def _shape(self, kind: type) -> _Shape:
        shape = self._shapes.get(id(kind))
        if shape is None:
            shape = self._shapes[id(kind)] = _Shape(kind)
        return shape

    def _shaped(self, name: str, value: Any, module: str, file: str, path: str, depth: int) -> None:
        kind = type(value)
        shape = self._shape(kind)
        if shape.is_class:
            self._class(value, module, file)
        elif shape.base is not None:
            self._containers += 1
            length = LENGTHS[id(shape.base)](value)
            if length >= self._least:
                self.found.append(Kept(name, str(NAME(kind)), file, path, length, value))
        elif shape.descriptor is None:
            self._plain.add(id(kind))
        elif depth < _DEEPEST and (not shape.apart or self._holds(value, shape, depth)):
            self._object(name, value, shape, depth)

    def _holds(self, value: Any, of: _Shape, depth: int) -> bool:
        """Whether something below an object is worth its name. Names stand in its `__dict__`, and to ask for that makes one
        where the interpreter had none: it finds the object's attributes more slowly from then on."""
        plain, seen = self._plain, self._seen
        parts = gc.get_referents(value)
        for attributes in [one for one in parts if type(one) is dict and len(one) < self._least]:
            parts += attributes.values()  # it may be the `__dict__`, if there is one already
        for one in parts:
            kind = type(one)
            if id(kind) in plain or id(one) in seen:
                continue
            if kind is MethodType:
                one, kind = one.__func__, type(one.__func__)
            if kind is FunctionType:
                if keeps(one):
                    return True
            elif kind is CACHED or id(kind) in _UNWRAPPED or self._worthy(one, self._shape(kind), of, depth):
                return True
        return False

    def _worthy(self, one: Any, shape: _Shape, of: _Shape, depth: int) -> bool:
        """The same for what an object refers to."""
        if shape.is_class:
            return one is not of.kind and members_of(one).get("__module__") == of.module
        if shape.base is not None:
            self._containers += 1
            return bool(LENGTHS[id(shape.base)](one) >= self._least)
        if shape.descriptor is None:
            self._plain.add(id(shape.kind))
        elif depth + 1 < _DEEPEST and self._left > 0:
            self._left -= 1
            before = self._containers
            if not shape.apart or self._holds(one, shape, depth + 1):
                return True
            if self._containers == before:
                self._seen.add(id(one))
                self.barren.add(id(one))
        return False

    def _class(self, value: Any, module: str, file: str) -> None:
        """Of the module that defines it, not of those that import it."""
        values = members_of(value)
        if values.get("__module__") != module:
            self._seen.discard(id(value))
            return
        title = TITLE(value)
        for key, inner in self._worth(values):
            if not key.startswith("__"):
                self._value("%s.%s.%s" % (module, title, key), inner, module, file, "%s.%s" % (title, key), 1)

    def _object(self, name: str, value: Any, shape: _Shape, depth: int) -> None:
        values: Any = shape.descriptor.__get__(value)
        for key, inner in self._worth(values):
            path = "%s.self.%s" % (shape.title, key)
            self._value(name + "." + key, inner, shape.module, shape.file, path, depth + 1)

    def _function(self, name: str, value: FunctionType, module: str, file: str, depth: int) -> None:
        """What a function keeps between its calls: variables of the function around it, defaults, attributes."""
        code = value.__code__
        before = len(self.found)
        for variable, cell in zip(code.co_freevars, value.__closure__ or ()):
            if type(cell) is CellType:
                try:
                    inner = cell.cell_contents
                except ValueError:  # not assigned yet
                    continue
                if depth < 4:
                    deeper = name if type(inner) in (FunctionType, CACHED) else "%s (variable %s)" % (name, variable)
                    self._value(deeper, inner, module, file, variable, depth + 1)
        for inner in value.__defaults__ or ():
            self._value(name + " (default)", inner, module, file, "", depth + 1)
        if remembers(value):
            for key, inner in list(value.__dict__.items()):
                self._value("%s.%s" % (name, key), inner, module, file, "", depth + 1)
        for kept in self.found[before:]:
            if not kept.line and kept.kind != "lru_cache":
                kept.file, kept.line = code.co_filename, code.co_firstlineno

    def _cached(self, name: str, value: Any) -> None:
        hits, misses, bound, length = value.cache_info()
        self._containers += 1
        if length < self._least:
            return
        kept = Kept(name + "()", "lru_cache", "", "", length, value)
        kept.hits, kept.misses, kept.bound = hits, misses, -1 if bound is None else bound
        wrapped = value.__dict__.get("__wrapped__")
        if type(wrapped) is FunctionType:
            kept.file, kept.line = wrapped.__code__.co_filename, wrapped.__code__.co_firstlineno
        self.found.append(kept)
