"""Tells when the process ends which files its modules came from, and in which environment it ran. Only where it is asked for."""

from __future__ import annotations

import os
import sys

from . import ending


def begin(folder: str) -> None:
    """Each process leaves a file of its own in `folder`. A forked one tells what it has imported, its parent's modules with it."""
    ending.at_end(lambda: _tell(folder))
    os.register_at_fork(after_in_child=lambda: ending.at_end(lambda: _tell(folder)))


def _tell(folder: str) -> None:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    # A script that another program runs, as coverage does, may be no module.
    files += [word for word in sys.argv if os.path.isfile(word)]
    found = {os.path.abspath(file) for file in files if isinstance(file, str)}
    ending.write(folder, "modules", {"prefix": sys.prefix, "files": sorted(found)})
