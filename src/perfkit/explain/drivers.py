"""Explain room: the name of a driver comes in, its module goes out, or how to install it where perfkit is."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from perfkit.errors import PerfkitError


def driver(module: str, distribution: str, extra: str) -> ModuleType:
    """Raises PerfkitError where it is not installed, or cannot be imported."""
    try:
        return import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == module:
            raise PerfkitError(f"{module} is not installed beside perfkit.", _install(distribution, extra)) from None
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        raise PerfkitError(f"{module} cannot be imported: {reason}.", _install(distribution, extra)) from None


def _install(distribution: str, extra: str) -> str:
    prefix = Path(sys.prefix)
    if "pipx" in prefix.parts:
        return f"pipx inject {prefix.name} '{distribution}'"
    if "uv" in prefix.parts and "tools" in prefix.parts:
        return f"uv tool install --with '{distribution}' perfkit"
    return f"{sys.executable} -m pip install 'perfkit[{extra}]'"
