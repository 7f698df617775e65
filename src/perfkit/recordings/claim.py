"""A place for a new recording: a path comes in, an empty file that its owner alone may read is there afterwards."""

from __future__ import annotations

import os
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.recordings.failures import write_failure
from perfkit.recordings.opening import being_written, is_recording, journal_of

_MODE = 0o600


def claim(path: Path, overwrite: bool) -> None:
    """Makes the file, or takes an empty one as it is (a name that was reserved, or one from mktemp).

    Raises PerfkitError where something else is there: `overwrite` replaces a recording, and nothing else.
    """
    try:
        if path.is_file() and path.stat().st_size == 0:
            path.chmod(_MODE)
            return
        if overwrite and path.is_file():
            _discard(path)
        reserve(path)
    except FileExistsError as error:
        if path.is_file() and is_recording(path):
            hint = "choose another name with -o FILE, or remove it first."
            raise PerfkitError(f"{path} already exists.", hint) from error
        raise _in_the_way(path) from error
    except OSError as error:
        raise write_failure(path, error) from error


def reserve(path: Path) -> None:
    """Makes an empty file of that name. Raises FileExistsError, also where another process was faster, and OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))


def _discard(path: Path) -> None:
    if not is_recording(path):
        raise _in_the_way(path)
    if being_written(path):
        raise PerfkitError(
            f"{path} is being written by another perfkit.", "wait until it ends, or choose another name with -o FILE."
        )
    path.unlink()
    # A journal that outlives its file would be applied to the next file of that name.
    journal_of(path).unlink(missing_ok=True)


def _in_the_way(path: Path) -> PerfkitError:
    what = "is a folder" if path.is_dir() else "exists and is not a perfkit recording"
    return PerfkitError(f"{path} {what}.", "perfkit never overwrites it: choose another name with -o FILE.")
