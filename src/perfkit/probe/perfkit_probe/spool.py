"""Where events go: packed in memory, appended to a file of this process's own in the spool folder. Format: docs/reference/spool.md.

The file is opened for each write: a descriptor kept open might be closed by the application and then mean a file of its
own. Events older than `KEEP` seconds are on disk whenever another one comes, so that a kill loses only the last moments.
"""

from __future__ import annotations

import os
import sys
from _struct import Struct
from _thread import RLock
from time import monotonic

from .events import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

KINDS = (
    "sql",
    "fetch",
    "transaction",
    "connect",
    "pool",
    "block",
    "gc",
    "compile",
    "render",
    "regex",
    "json",
    "import",
    "http",
    "call",
)
REQUEST_KINDS = ("wsgi", "asgi", "task", "test")
_LENGTH = Struct("<I").pack
KEEP = 0.05
# A process writes when no request is under way any more, as often as this.
REST = 0.05
_MANY = 2000
# So many events are packed where they are: each statement that waits for its write is one object more until the interpreter
# collects garbage, 700 by default.
MANY_UNPACKED = 200
_MOST_ON_DISK = 1 << 30  # bytes: a process that writes more is not listened to, or runs for days

_folder: str = ""
_path: str = ""
_user = -1
_events: list[Any] = []  # packed, or statements as `events` has them
_lock = RLock()
# From when on `KEEP` seconds are counted.
written_at = 0.0
kept = _events
_on_disk = 0
_writing = False
# True from the first failure on: nothing is kept any more, and nothing of the application's changes.
closed = True
# Whether statements are written with the values that stand in their texts.
keep_literals = False
keep = _events.append
"""Keep one event, packed or a statement, without ever writing, `closed` or not: for who looks at `closed` and `written_at`
itself, and for code that interrupts any other, `flush` as well."""
after_fork: list[Callable[[], None]] = []
counting: list[Callable[[], None]] = []
"""Each step keeps what it counted since the last time. Never raises."""


def open_in(folder: str, literals: bool) -> None:
    """Begin, in this process and in every process that it forks; or begin again, after `close`, in another folder."""
    global _folder, closed, keep_literals
    again = bool(_folder)
    _folder = folder
    keep_literals = literals
    closed = False
    if again:
        del _broken[:]
        _begin_again()
    else:
        os.register_at_fork(before=flush, after_in_child=_begin_again)
        _name_file()


def _begin_again() -> None:
    global _lock, _on_disk, _writing
    _lock = RLock()  # another thread of the parent may have held it
    _on_disk = 0
    _writing = False
    del _events[:]
    _name_file()
    for step in after_fork:
        step()


def _name_file() -> None:
    """The pid alone may come again: after an exec, or in another process later."""
    global _path, _user
    _user = os.geteuid()
    pid = os.getpid()
    _path = "%s/events-%d-%x" % (_folder, pid, int(monotonic() * 1e6))
    define("hello", pid, os.getppid(), "%d.%d.%d" % sys.version_info[:3], monotonic())
    flush()


def append(packed: bytes) -> None:
    """Keep one packed event; write when there is enough or when the last write is a while ago."""
    if closed:
        return
    _events.append(packed)
    if monotonic() - written_at > KEEP or len(_events) > _MANY:
        flush()


def define(kind: str, *fields: object) -> None:
    """A rare record of texts, which later events refer to by number."""
    if closed:
        return
    parts = [text.encode("utf-8", "backslashreplace") for text in map(str, (kind, *fields))]
    body = b"".join([_LENGTH(len(part)) + part for part in parts])
    _events.append(b"D" + _LENGTH(len(body)) + body)


def tell_counts() -> None:
    """Keep what was counted until now: it belongs to what is before this moment."""
    for step in counting:
        step()


def flush() -> None:
    """Append what is kept to the file. Events that other threads add meanwhile stay for the next time."""
    if _events:
        _alone(_write_all)


def pack() -> None:
    """Pack what is kept, and write nothing yet."""
    _alone(_pack_all)


def _alone(step: Callable[[], Exception | None]) -> None:
    if closed:
        return
    with _lock:
        if not _writing:
            failed = step()
            if failed is not None:
                broken("some statements", failed)


def last_words() -> None:
    """The process ends: write all there is. Never raises."""
    try:
        tell_counts()
        flush()
    except Exception as error:
        broken("the last moments of a process", error)


def _write_all() -> Exception | None:
    """The error of an event that could not be packed. What runs in between, in a finalizer or for a signal, may keep events
    and cannot write them: they may speak of numbers that are only now defined."""
    global written_at, _on_disk, _writing
    written_at = monotonic()
    _writing = True
    failed = None
    try:
        tell_counts()
        n = len(_events)
        taken = _events[:n]
        del _events[:n]
        data, failed = packed(taken)
        _on_disk += len(data)
        if _on_disk > _MOST_ON_DISK:
            _cut()
        else:
            _write(data)
    except PermissionError:
        _writing = False
        _go_on_as_another_user()
    except (OSError, MemoryError):
        _cut()
    finally:
        _writing = False
    return failed


def _pack_all() -> Exception | None:
    """As `_write_all`, in place."""
    global _writing
    _writing = True
    failed = None
    try:
        n = len(_events)
        data, failed = packed(_events[:n])
        _events[:n] = [data]
    except MemoryError:
        _cut()
    finally:
        _writing = False
    return failed


def _write(data: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    file = os.open(_path, flags, 0o600)
    try:
        written = os.write(file, data)
        if written < len(data):  # a disk that is nearly full: what is cut off would garble all that follows
            _cut()
    finally:
        os.close(file)


def _go_on_as_another_user() -> None:
    """A worker gave up root's rights, and the file is root's: as in a forked process, all begins again in another one."""
    if os.geteuid() == _user:
        _cut()
    else:
        _begin_again()


def _cut() -> None:
    """Stop, and let the file's name say so: on a full disk that is all that can be said."""
    close()
    try:
        os.rename(_path, _path + "-cut")
    except OSError:
        return


def close() -> None:
    """Stop for good in this process: the disk is full, the folder is gone, or the recording has ended."""
    global closed
    closed = True
    del _events[:]


_broken: list[str] = []


def broken(where: str, error: BaseException | None = None) -> None:
    """Something in the probe failed. Said once for each place; the application has not noticed."""
    # While the interpreter ends, modules that are there are gone.
    if where in _broken or len(_broken) >= 50 or sys.is_finalizing():
        return
    try:
        reason = "" if error is None else ": %s: %s" % (type(error).__name__, error)
        gap(
            "what %s would have shown" % where,
            "the probe failed in it%s" % reason,
            "report this with the versions in use",
        )
        _broken.append(where)
    except Exception as another:  # no memory, no stack, or an error that does not let itself be printed: later, perhaps
        del another


def gap(what: str, why: str, remedy: str) -> None:
    define("gap", what, why, remedy)
    flush()
