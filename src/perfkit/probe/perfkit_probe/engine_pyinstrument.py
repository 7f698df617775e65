"""pyinstrument around the main thread: the target's own, else the one that perfkit lends it."""

from __future__ import annotations

from . import ending, lending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INTERVAL = 0.001


def start(spool: str) -> None:
    try:
        profiler = lending.imported(spool, "pyinstrument", _profiler)
    except Exception as error:
        gap = lending.missing("samples by pyinstrument", "pyinstrument", error)
        ending.write(spool, "pyinstrument", {"gap": gap})
        return

    def step() -> None:
        session = profiler.stop()
        records = [[[_frame(text) for text in stack], seconds] for stack, seconds in session.frame_records]
        content = {"records": records, "seconds": session.duration, "interval": _INTERVAL}
        ending.write(spool, "pyinstrument", content)

    ending.at_end(step)
    profiler.start()


def _profiler(pyinstrument: Any) -> Any:
    return pyinstrument.Profiler(interval=_INTERVAL, async_mode="disabled")


def _frame(text: str) -> list[Any]:
    """`function NUL file NUL first line, attributes` as [function, file, line]; attribute `l` is the line that ran."""
    identifier, _, attributes = text.partition("\x01")
    function, file, first = [*identifier.split("\0"), "", "", "0"][:3]
    line = next((part[1:] for part in attributes.split("\x01") if part.startswith("l")), first)
    return [function, file, int(line) if line.isdigit() else 0]
