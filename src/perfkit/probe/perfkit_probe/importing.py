"""Finders at both ends of `sys.meta_path`: they let hooks change a module when it has run, and time what a request imports.

The first one wraps the loader of a module; before the module runs, the genuine loader is back in its place. Who only looks
for a module (`importlib.util.find_spec`) gets what there would be without us. The last one is asked for what nobody has
found: an optional import that fails is searched for again in each request.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from time import monotonic

from . import frames, requests, sites, spool
from .requests import get_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable

# A search that is shorter says nothing.
_SEARCH = 0.00005
_MOST = 1000
_Module = type(sys)
_OURS = __package__ + "."
_missing: set[str] = set()
# Hooked modules whose loader is out: where it is asked for their code only, no `exec_module` of ours comes.
given: set[str] = set()
_searches: dict[tuple[int, str], float] = {}


class First:
    """Finds nothing by itself: it asks the finders behind it."""

    def __init__(self, hooked: Any, apply: Callable[[str, Any], None], catch_up: Callable[[], None]) -> None:
        self._hooked = hooked
        self._apply = apply
        self._catch_up = catch_up

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        hooked = fullname in self._hooked
        if hooked or (given and not given.isdisjoint(sys.modules)):
            self._catch_up()
        served = get_current() is not None and not spool.closed
        if not hooked and (not served or fullname.startswith(_OURS)):
            return None
        started = monotonic()
        if (hooked or fullname not in _missing) and _imports(sys._getframe(1), fullname):
            spec = self._ask(fullname, path, target)
            if spec is not None:
                return self._wrapped(spec, fullname, hooked, started)
            if not hooked and len(_missing) < _MOST:
                _missing.add(fullname)
        if served:
            if len(_searches) > _MOST:
                _searches.clear()
            _searches[get_ident(), fullname] = monotonic()
        return None

    def _ask(self, fullname: str, path: Any, target: Any) -> Any:
        behind = False
        for finder in sys.meta_path:
            if finder is self:
                behind = True
            elif behind:
                find = getattr(finder, "find_spec", None)
                if find is not None:
                    spec = find(fullname, path, target)
                    if spec is not None:
                        return spec
                elif sys.version_info < (3, 12):
                    return None  # one that only the import system knows how to ask
        return None

    def _wrapped(self, spec: Any, fullname: str, hooked: bool, started: float) -> Any:
        loader = spec.loader
        try:
            if hasattr(loader, "exec_module"):
                spec.loader = _Loader(loader, fullname, self._apply if hooked else None, started)
                if hooked:
                    given.add(fullname)
            elif hooked and loader is not None:
                _cannot(fullname)
        except Exception:  # a spec of its own kind that does not let itself be changed
            if hooked:
                _cannot(fullname)
        return spec


def _cannot(fullname: str) -> None:
    what = "what %s does" % fullname.partition(".")[0]
    spool.gap(what, "it is loaded in a way that cannot be followed", "install it as files, not as a zip archive")


def _imports(frame: FrameType | None, fullname: str) -> bool:
    """Whether the module is about to run, below whatever other finders did to ask us."""
    for _ in range(12):
        if frame is None:
            return False
        if frame.f_code.co_name in ("_find_and_load_unlocked", "reload") and "importlib" in frame.f_code.co_filename:
            return bool(frame.f_locals.get("name") == fullname)
        frame = frame.f_back
    return False


class Last:
    """Is asked when no finder has found a module."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if _searches:
            began = _searches.pop((get_ident(), fullname), None)
            if began is not None:
                _searched(fullname, began)
        return None


def _searched(fullname: str, began: float) -> None:
    seconds = monotonic() - began
    try:
        if seconds > _SEARCH and get_current() is not None:
            name = requests.name(fullname + " (not found)")
            requests.span(requests.IMPORT, name, began, seconds, stack=_site())
    except Exception as error:
        spool.broken("imports inside requests", error)


def _site() -> int:
    """The line that imports: between it and us lies the import system."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _between(frame.f_code.co_filename):
        frame = frame.f_back
        depth += 1
    return sites.site(depth + 1)


def _between(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == __file__ or file == frames.FILE


@frames.marked("span:import")
def _inside_span(function: Any, *args: Any) -> Any:
    return function(*args)


class _Loader:
    """Stands in for a loader until the module runs."""

    def __init__(self, genuine: Any, fullname: str, apply: Any, started: float) -> None:
        self._genuine = genuine
        self._fullname = fullname
        self._apply = apply
        self._started = started

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._genuine, attribute)

    def create_module(self, spec: Any) -> Any:
        create = getattr(self._genuine, "create_module", None)
        if create is None:
            return None
        ours = spec.loader
        if ours is self:
            spec.loader = self._genuine
        try:
            return create(spec) if get_current() is None else _inside_span(create, spec)
        finally:
            if ours is self:
                spec.loader = self

    def exec_module(self, module: Any) -> None:
        self._restore(module)
        given.discard(self._fullname)
        if get_current() is None:
            self._genuine.exec_module(module)
        else:
            try:
                _inside_span(self._genuine.exec_module, module)
            finally:
                self._imported()
        if self._apply is None:
            return
        if type(module) is not _Module and type(module).__name__ == "_LazyModule":
            self._later(module)
        else:
            self._apply(self._fullname, module)

    def _restore(self, module: Any) -> None:
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.loader is self:
            spec.loader = self._genuine
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._genuine

    def _later(self, module: Any) -> None:
        """The genuine loader was a lazy one: it runs the module when somebody first looks into it."""
        spec = object.__getattribute__(module, "__spec__")
        spec.loader = _Loader(spec.loader, self._fullname, self._apply, self._started)

    def _imported(self) -> None:
        try:
            seconds = monotonic() - self._started
            requests.span(requests.IMPORT, requests.name(self._fullname), self._started, seconds, stack=_site())
        except Exception as error:
            spool.broken("imports inside requests", error)
