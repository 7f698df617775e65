"""Room 4, recordings: what was measured goes into one SQLite file, and comes back as a `Recording`.

- `Writer(path, run)` writes while measuring; what was committed survives the death of perfkit.
- `load(path)` reads a file of this or an older format, and refuses what is not a recording or is damaged.
- `add(path, log, plans)` puts what a database says beside what was measured.
- `add_lines(path, lines)` and `add_calls(path, calls)` put lines and calls of another run there.
- `Store(root)` is the folder `.perfkit`: names for new recordings, the latest one, the list, and pruning.

The format is in `schema`; `docs/reference/recording-format.md` describes it column by column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.recordings.adding import add, add_calls, add_lines
    from perfkit.recordings.reader import load
    from perfkit.recordings.store import Entry, Store
    from perfkit.recordings.writer import Writer

__all__ = ["Entry", "Store", "Writer", "add", "add_calls", "add_lines", "load"]

_HOMES = {
    "Entry": "store",
    "Store": "store",
    "Writer": "writer",
    "add": "adding",
    "add_calls": "adding",
    "add_lines": "adding",
    "load": "reader",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
