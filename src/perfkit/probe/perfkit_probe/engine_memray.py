"""memray around the whole process and its forks: the target's own, else the one that perfkit lends it. Its log of allocations
survives every end of the process, and is read afterwards by `memray_reading`."""

from __future__ import annotations

import os
import sys

from . import ending, lending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "allocations by memray"
_NAME = "memray"


def start(spool: str) -> None:
    if sys.getprofile() is not None:
        why = "a profiler is active in the target already"
        ending.write(spool, _NAME, {"gap": [_WHAT, why, "measure when it does not run"]})
        return
    try:
        tracker, own = lending.imported(spool, _NAME, lambda memray: _begun(spool, memray))
    except Exception as error:
        ending.write(spool, _NAME, {"gap": lending.missing(_WHAT, _NAME, error)})
        return
    ending.at_end(lambda: tracker.__exit__(None, None, None))
    # Who can read the log: the version of memray that wrote it.
    ending.write(spool, _NAME, {"python": sys.executable if own else ""})


def _begun(spool: str, memray: Any) -> tuple[Any, bool]:
    """A tracker at work, and whether it is the target's own."""
    # By its absolute name, to which processes that are forked add their number.
    tracker = memray.Tracker(os.path.join(spool, "memray-%d.bin" % os.getpid()), follow_fork=True)
    tracker.__enter__()
    return tracker, not memray.__file__.startswith(os.path.join(spool, ""))
