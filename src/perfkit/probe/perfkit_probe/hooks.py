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
    from typing import Any

_FOLDER = __package__ + "."
_HOOKS: dict[str, list[str]] = {}
_Module = type(sys)
_changed: dict[str, Any] = {}


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
    sys.meta_path.insert(0, First(_HOOKS, apply, catch_up))
    sys.meta_path.append(Last())
    for fullname in [name for name in _HOOKS if name in sys.modules]:
        apply(fullname, sys.modules[fullname])


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
    setattr(owner, attribute, held[0](made) if held else made)
    return True
