"""Wishes: files `zoom-N.json` in the spool that say which functions' lines are to be counted, until when, and for whom.

They come from outside: only regular files of our own user or root are read, and nothing in them is taken on trust.
"""

from __future__ import annotations

import json
import os
import re
import stat
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KNOWN = ("lines", "calls", "attach", "allocations")
_NAME = re.compile(r"zoom-([0-9]{1,9})\.json")
_LARGEST = 1_000_000
_MOST_FUNCTIONS = 200
_LONGEST_PATH = 4096
_LAST_LINE = 10_000_000
_LONGEST = 7 * 86400.0


class Wish:
    """`what` is counted; `functions`: (file, first line); `until`: monotonic seconds; `owner`: a process's id, 0 when it cannot be
    seen from here. `settings` is all that was written."""

    __slots__ = ("born", "functions", "owner", "settings", "until", "what")

    def __init__(
        self, what: str, functions: list[tuple[str, int]], until: float, owner: int, settings: dict[str, Any]
    ) -> None:
        self.what = what
        self.settings = settings
        self.functions = functions
        self.until = until
        self.owner = owner
        self.born = born(owner)

    def is_like(self, other: Wish) -> bool:
        """Whether what counts for the other may go on for this one."""
        return (self.what, self.functions, self.owner) == (other.what, other.functions, other.owner)

    def holds(self, now: float) -> bool:
        """False when its time is over, or when nobody is there any more who would read what comes of it."""
        if now >= self.until:
            return False
        return self.owner == 0 or (self.born is not None and born(self.owner) == self.born)


def newest(folder: str, now: float, also: str = "") -> Wish | None:
    """The valid wish with the highest number, `also` (a path) before all. Raises OSError where the folder is gone."""
    numbered = []
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match is not None:
            numbered.append((int(match.group(1)), os.path.join(folder, name)))
    for _, path in sorted(numbered, reverse=True):
        wish = read(path, now)
        if wish is not None:
            return wish
    return read(also, now) if also else None


def read(path: str, now: float) -> Wish | None:
    """None: it is no wish, or no file that we would read."""
    try:
        return _checked(json.loads(_bytes(path)), now)
    except (OSError, ValueError, RecursionError, ArithmeticError):
        return None


def _bytes(path: str) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    file = os.open(path, flags)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0) or status.st_size > _LARGEST:
            raise ValueError("no file of ours")
        return os.read(file, _LARGEST)
    finally:
        os.close(file)


def _checked(content: Any, now: float) -> Wish | None:
    if not isinstance(content, dict) or type(content.get("version")) is not int or content["version"] != 1:
        return None
    functions: Any = content.get("functions")
    until: Any = content.get("until")
    owner: Any = content.get("owner")
    if content.get("what") not in _KNOWN or type(functions) is not list or len(functions) > _MOST_FUNCTIONS:
        return None
    if type(until) not in (int, float) or not isfinite(until) or until > now + _LONGEST:
        return None
    if type(owner) is not int or not 0 <= owner < 1 << 31:
        return None
    chosen = []
    for one in functions:
        if type(one) is not list or len(one) != 2:
            return None
        file, line = one
        if type(file) is not str or not 0 < len(file) <= _LONGEST_PATH or "\0" in file:
            return None
        if type(line) is not int or not 0 <= line <= _LAST_LINE:
            return None
        chosen.append((file, line))
    return Wish(content["what"], chosen, float(until), owner, content)


def born(pid: int) -> str | None:
    """What tells a process from a later one of the same number. None: there is none, or it is dead and not yet buried."""
    if pid <= 0:
        return None
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    except (OSError, IndexError):  # no such process, no such file system, or others' processes are hidden
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return ""
    return ""
