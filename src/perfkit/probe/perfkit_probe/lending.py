"""Imports a package of the target's own, else the one that perfkit lends it, where that loads in this interpreter."""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def imported(spool: str, package: str, use: Callable[[Any], Any] = lambda module: module) -> Any:
    """What `use` makes of the module. A folder with links to what is lent, and nothing else, is on the path meanwhile; afterwards
    what was lent is not to be found by the target, which may do without it. Raises ImportError, and what `use` raises."""
    try:
        module = import_module(package)
    except ImportError:
        if not os.environ.get("PERFKIT_LENT"):
            raise
    else:
        return use(module)
    folder = _linked(spool, os.environ["PERFKIT_LENT"].split(os.pathsep))
    sys.path.append(folder)
    try:
        return use(import_module(package))
    finally:
        sys.path.remove(folder)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(folder + os.sep):
                del sys.modules[name]


def _linked(spool: str, paths: list[str]) -> str:
    folder = os.path.join(spool, "lent")
    os.makedirs(folder, exist_ok=True)
    for path in paths:
        link = os.path.join(folder, os.path.basename(path))
        if not os.path.islink(link):
            os.symlink(path, link)
    return folder


def missing(what: str, package: str, error: Exception) -> list[str]:
    """A gap: what is not measured, why, and the line that installs the package into the target's environment."""
    return [
        what,
        "%s is not installed for %s, and perfkit's own does not load there (%s)" % (package, sys.executable, error),
        "%s -m pip install %s" % (sys.executable, package),
    ]
