"""pyinstrument around the main thread: the target's own, else the one that perfkit lends it."""

from __future__ import annotations

import os
import sys

from . import ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INTERVAL = 0.001


def start(spool: str) -> None:
    try:
        profiler = _find(spool)(interval=_INTERVAL, async_mode="disabled")
    except Exception as error:
        ending.write(spool, "pyinstrument", {"gap": _missing(error)})
        return

    def step() -> None:
        session = profiler.stop()
        records = [[[_frame(text) for text in stack], seconds] for stack, seconds in session.frame_records]
        content = {"records": records, "seconds": session.duration, "interval": _INTERVAL}
        ending.write(spool, "pyinstrument", content)

    ending.at_end(step)
    profiler.start()


def _missing(error: Exception) -> list[str]:
    return [
        "samples by pyinstrument",
        f"it is not installed for {sys.executable}, and perfkit's own does not load there ({error})",
        f"{sys.executable} -m pip install pyinstrument",
    ]


def _find(spool: str) -> Any:
    """The Profiler class. A folder with a link to the lent package alone goes on the path while it is imported."""
    try:
        from pyinstrument import Profiler

        return Profiler
    except ImportError:
        lent = os.environ.get("PERFKIT_LENT_PYINSTRUMENT")
        if not lent:
            raise
    folder = os.path.join(spool, "lent")
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, "pyinstrument")
    if not os.path.islink(link):
        os.symlink(lent, link)
    sys.path.append(folder)
    try:
        from pyinstrument import Profiler
    finally:
        sys.path.remove(folder)
    return Profiler


def _frame(text: str) -> list[Any]:
    """`function NUL file NUL first line, attributes` as [function, file, line]; attribute `l` is the line that ran."""
    identifier, _, attributes = text.partition("\x01")
    function, file, first = [*identifier.split("\0"), "", "", "0"][:3]
    line = next((part[1:] for part in attributes.split("\x01") if part.startswith("l")), first)
    return [function, file, int(line) if line.isdigit() else 0]
