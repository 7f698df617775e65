"""Changes a library when the target imports it, and never imports one itself.

`importing` says when a module that `registry` names has run. A module whose version is not known is left alone, with a gap.
"""

from __future__ import annotations

import sys

from . import spool
from .importing import First, Last, given
from .registry import LIBRARIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_FOLDER = __package__ + "."
_ENTRANCES = frozenset(
    ("flask_app", "django_app", "starlette_app", "aiohttp_server", "servers_asgi", "servers_wsgi", "celery_tasks")
)
_HOOKS: dict[str, list[str]] = {}
_Module = type(sys)
_changed: dict[str, Any] = {}
_finders: list[Any] = []
_undone: list[Callable[[], None]] = []
# The probe came into a process that had run before: what was made from a library until then is there already.
late = False


def apply(fullname: str, module: Any) -> None:
    """Let every part that is registered for a module change it. One that fails leaves a gap."""
    _changed[fullname] = module
    given.discard(fullname)
    for part in _HOOKS.get(fullname, ()):
        try:
            __import__(_FOLDER + part, fromlist=("apply",)).apply(module)
        except Exception as error:
            spool.broken(part, error)


def catch_up() -> None:
    """Change what came past us: modules that a finder of the application's ran by itself, or put in the place of others."""
    for fullname in _passed_by():
        apply(fullname, sys.modules[fullname])


def end() -> None:
    """Say what came past us to the last."""
    for fullname in _passed_by():
        what = "what %s does" % fullname.partition(".")[0]
        spool.gap(
            what, "it was not loaded by Python's import system alone", "measure without the import hook that did it"
        )


def _passed_by() -> list[str]:
    found = []
    for fullname in _HOOKS:
        module = sys.modules.get(fullname)
        # Others may be lazy: looking into them would load them.
        new = type(module) is _Module and _changed.get(fullname) is not module
        if new and not getattr(vars(module).get("__spec__"), "_initializing", False):
            found.append(fullname)
    return found


def begin() -> None:
    """From now on. Modules that are there already are changed at once."""
    for part, modules in LIBRARIES.items():
        for fullname in modules:
            _HOOKS.setdefault(fullname, []).append(part)
    _finders[:] = First(_HOOKS, apply, catch_up), Last()
    sys.meta_path.insert(0, _finders[0])
    sys.meta_path.append(_finders[1])
    loaded = [name for name in _HOOKS if name in sys.modules]
    # Requests come in meanwhile, and those that are seen are to be seen with all that they do.
    loaded.sort(key=lambda name: not _ENTRANCES.isdisjoint(_HOOKS[name]))
    for fullname in loaded:
        apply(fullname, sys.modules[fullname])


def undo_by(step: Callable[[], None]) -> None:
    """`step()` takes back a change that was just made."""
    _undone.append(step)


def remove() -> None:
    """Take all of it out of the process, the last change first. What was made with it lives on, and does nothing more."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in _finders]
    while _undone:
        try:
            _undone.pop()()
        except Exception:  # somebody else's change lies over it
            continue
    _HOOKS.clear()
    _changed.clear()


def replaced(owner: Any, attribute: str, make: Any) -> bool:
    """Put `make(original)` in the place of a function of a module or class, where it has that one itself. False: it has not."""
    original: Any = vars(owner).get(attribute)
    if original is None:
        return False
    held: tuple[Any, ...] = ()
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
    put(owner, attribute, held[0](made) if held else made)
    return True


def put(owner: Any, attribute: str, value: Any) -> None:
    """Set it, until `remove`: what others have set in its place since then stays."""
    original = vars(owner).get(attribute, _undone)
    setattr(owner, attribute, value)

    def step() -> None:
        if vars(owner).get(attribute) is not value:
            return
        if original is _undone:
            delattr(owner, attribute)
        else:
            setattr(owner, attribute, original)

    undo_by(step)
