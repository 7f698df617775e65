"""Changes a library when the target imports it, and never imports one itself.

A finder at the front of `sys.meta_path` wraps the loader of a module that `registry` names; before the module runs, the
genuine loader is back in its place. A module whose version is not known is left alone, with a gap.
"""

from __future__ import annotations

import sys
from importlib import import_module
from time import monotonic
from typing import Any, Dict, List, Tuple

from . import requests, spool
from .registry import LIBRARIES

_HOOKS: Dict[str, List[str]] = {}
_busy = False


class _Finder:
    """Finds nothing by itself: it asks the finders behind it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        hooked = fullname in _HOOKS
        if not hooked and not requests.in_request():
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return self._wrapped(spec, fullname, hooked)
        return None

    def _wrapped(self, spec: Any, fullname: str, hooked: bool) -> Any:
        loader = spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            spec.loader = _Loader(loader, fullname if hooked else "")
        return spec


class _Loader:
    """Stands in for a loader until the module runs."""

    def __init__(self, genuine: Any, hooked: str) -> None:
        self._genuine = genuine
        self._hooked = hooked

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._genuine, attribute)

    def create_module(self, spec: Any) -> Any:
        create = getattr(self._genuine, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: Any) -> None:
        self._restore(module)
        started = monotonic()
        self._genuine.exec_module(module)
        _imported(module.__name__, started)
        if self._hooked:
            apply(self._hooked, module)

    def _restore(self, module: Any) -> None:
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.loader is self:
            spec.loader = self._genuine
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._genuine


def _imported(name: str, started: float) -> None:
    try:
        if requests.in_request():
            requests.span(requests.IMPORT, requests.name(name), started, monotonic() - started)
    except Exception as error:
        spool.broken("imports inside requests", error)


def apply(fullname: str, module: Any) -> None:
    """Let every part that is registered for a module change it. One that fails leaves a gap."""
    for part in _HOOKS.get(fullname, ()):
        try:
            import_module("." + part, __package__).apply(module)
        except Exception as error:
            spool.broken(part, error)


def begin() -> None:
    """From now on. Modules that are there already are changed at once."""
    for part, modules in LIBRARIES.items():
        for fullname in modules:
            _HOOKS.setdefault(fullname, []).append(part)
    sys.meta_path.insert(0, _Finder())
    for fullname in [name for name in _HOOKS if name in sys.modules]:
        apply(fullname, sys.modules[fullname])


def replaced(owner: Any, attribute: str, make: Any) -> bool:
    """Put `make(original)` in the place of a function of a module or class, where it has that one itself. False: it has not."""
    original: Any = vars(owner).get(attribute)
    if original is None:
        return False
    held: Tuple[Any, ...] = ()
    function = original
    if isinstance(original, (staticmethod, classmethod)):
        held, function = (type(original),), original.__func__
    if getattr(function, "perfkit_original", None) is not None:
        return True
    made = make(function)
    made.perfkit_original = function
    for copied in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__", "__wrapped__"):
        try:
            setattr(made, copied, getattr(function, copied))
        except Exception:  # annotations may name what exists for type checkers only
            continue
    # inspect.signature follows it: frameworks look at what they call.
    made.__wrapped__ = function
    setattr(owner, attribute, held[0](made) if held else made)
    return True
