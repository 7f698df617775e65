"""multiprocessing and process pools: their processes end by `os._exit`, and what they did is written before that."""

from __future__ import annotations

from . import hooks, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def apply(module: Any) -> None:
    if not hooks.replaced(module.BaseProcess, "_bootstrap", _ends):
        spool.gap("the last moments of processes", "this multiprocessing is not known", "use Python 3.9 to 3.14")


def _ends(original: Any) -> Any:
    def _bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        finally:
            spool.last_words()

    return _bootstrap
