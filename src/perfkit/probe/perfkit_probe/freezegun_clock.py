"""freezegun puts clocks that stand still into every module that has imported one; the probe's own go on."""

from __future__ import annotations

import sys
from time import monotonic, perf_counter

from . import hooks, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# In here freezegun does not look.
_REAL = {"monotonic": monotonic, "perf_counter": perf_counter}


def apply(module: Any) -> None:
    if not hooks.replaced(module._freeze_time, "start", _started):
        spool.gap(
            "what happens while freezegun holds the clock", "this version stops it in another way", "use freezegun 1"
        )


def _started(original: Any) -> Any:
    def start(self: Any) -> Any:
        held = original(self)
        try:
            _go_on()
        except Exception as error:
            spool.broken("what happens while freezegun holds the clock", error)
        return held

    return start


def _go_on() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(__package__):
            for clock, real in _REAL.items():
                if clock in vars(module):
                    setattr(module, clock, real)
