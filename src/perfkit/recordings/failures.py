"""What went wrong with a recording's file, in words: an error of SQLite or the OS comes in, a PerfkitError goes out."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from perfkit.errors import PerfkitError

ELSEWHERE = "choose a place that you may write to with -o FILE."


def write_failure(path: Path, error: sqlite3.Error | OSError) -> PerfkitError:
    """Exit code 125, whatever the cause."""
    if isinstance(error, OSError):
        return _os_failure(path, error)
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return _full(path)
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        return PerfkitError(f"not allowed to write {path}: it or its folder is read-only.", ELSEWHERE)
    if name.startswith("SQLITE_BUSY"):
        return in_use(path)
    if name.startswith("SQLITE_IOERR"):
        return PerfkitError(
            f"the disk refused to write {path}: {error}.",
            "look for disk errors, a quota or a lost network disk, or record to another disk with -o FILE.",
        )
    return PerfkitError(f"{path} could not be written: {error}.", "record to another file with -o FILE.")


def _os_failure(path: Path, error: OSError) -> PerfkitError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PerfkitError(f"not allowed to write {path}: {error.strerror}.", ELSEWHERE)
    if error.errno == errno.ENOENT:
        return PerfkitError(f"the folder {path.parent} does not exist.", f"create it: mkdir -p {path.parent}")
    return PerfkitError(f"{path} could not be written: {error.strerror}.", "record to another file with -o FILE.")


def _full(path: Path) -> PerfkitError:
    return PerfkitError(
        f"the disk is full: {path} could not grow. What was committed before is kept.",
        "free some space, or record to another disk with -o FILE.",
    )


def read_failure(path: Path, error: OSError) -> PerfkitError:
    if isinstance(error, FileNotFoundError):
        return PerfkitError(f"there is no recording {path}.", "list the recordings there are: perfkit list")
    if isinstance(error, PermissionError):
        return PerfkitError(
            f"not allowed to read {path}: recordings are readable by their owner alone.",
            f"read it as its owner, or ask them: chmod +r {path}",
        )
    if isinstance(error, IsADirectoryError):
        return PerfkitError(f"{path} is a folder, not a perfkit recording.", "name a file inside it.")
    return PerfkitError(f"{path} could not be read: {error.strerror}.", "copy it to a disk that can be read.")


def in_use(path: Path) -> PerfkitError:
    return PerfkitError(
        f"{path} is in use: another program kept it locked.", "close the program that has it open, then try again."
    )


def not_a_recording(path: Path) -> PerfkitError:
    return PerfkitError(
        f"{path} is not a perfkit recording.", "name a file that perfkit run or perfkit attach wrote: perfkit list"
    )


def damaged(path: Path, why: str) -> PerfkitError:
    return PerfkitError(
        f"{path} is damaged: {why}.",
        "copy it again from where it came, or record again; sqlite3 FILE .recover saves what is left.",
    )


def newer(path: Path, version: int, known: int) -> PerfkitError:
    return PerfkitError(
        f"{path} was written by a newer perfkit: its format is {version}, this perfkit reads up to {known}.",
        "upgrade perfkit: pip install --upgrade perfkit",
    )
