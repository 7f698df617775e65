"""`opentelemetry-instrument`: it becomes the application by exec, with a `sitecustomize` in front of ours that runs no other.

Ours runs what it hides, so ours goes first again.
"""

from __future__ import annotations

import os

from . import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def apply(module: Any) -> None:
    hooks.replaced(module, "execl", _below_us)


def _below_us(original: Any) -> Any:
    def execl(*args: Any) -> Any:
        folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if _OURS in folders:
            others = [folder for folder in folders if folder != _OURS]
            os.environ["PYTHONPATH"] = os.pathsep.join([_OURS, *others])
        return original(*args)

    return execl
