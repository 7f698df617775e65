"""Where the target says that the text has run: a claim, one file of a folder that both can reach.

The spool, where the target sees it and may write there. Else (another mount namespace, another user) a folder of its own in
the target's temporary folder, made from outside through /proc/PID/root.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from perfkit.collectors.injection.interface import Subject, refused
from perfkit.shared import processes

_TEMPORARY = ("tmp", "dev/shm", "var/tmp", "run")
_POLL = 0.001
_LONGEST_SAYING = 2000


@dataclass(frozen=True)
class Folder:
    """A private folder of the target's: `path` as it sees it, `descriptor` as we hold it."""

    path: str
    parent: int
    descriptor: int

    def create(self, name: str, text: str, subject: Subject) -> None:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=self.descriptor)
        with os.fdopen(file, "wb") as writing:
            _hand_over(file, subject)
            writing.write(text.encode("utf-8", "surrogateescape"))

    def remove(self) -> None:
        """Away from its name at once, so that nothing can be claimed in it any more, and then altogether."""
        name = Path(self.path).name
        with suppress(OSError):
            os.rename(name, f"{name}-over", src_dir_fd=self.parent, dst_dir_fd=self.parent)
            for left in os.listdir(self.descriptor):
                os.unlink(left, dir_fd=self.descriptor)
            os.rmdir(f"{name}-over", dir_fd=self.parent)

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self.parent)


def private_folder(subject: Subject) -> Folder:
    """Of the target's user, in its own mount namespace. Links on the way are not followed: they would lead to files of ours."""
    for place in _TEMPORARY:
        with suppress(OSError):
            at = _descend(f"/proc/{subject.pid}/root", place.split("/"))
            name = f"perfkit-{secrets.token_hex(8)}"
            try:
                os.mkdir(name, 0o700, dir_fd=at)
                inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                _hand_over(inside, subject)
                return Folder(f"/{place}/{name}", at, inside)
            except OSError:
                with suppress(OSError):
                    os.rmdir(name, dir_fd=at)
                os.close(at)
                raise
    raise refused(
        subject.pid,
        "it can write to no folder that perfkit can read, so that nothing could tell whether the code ran",
        "give it a writable temporary folder (docker: --tmpfs /tmp, kubernetes: an emptyDir at /tmp), or attach as root",
    )


class Claim:
    """One run, claimed by the target when it begins, or by us so that it never does."""

    def __init__(self, subject: Subject, spool: str) -> None:
        self._pid = subject.pid
        self._folder = None if _visible(subject, spool) else private_folder(subject)
        name = f"ran-{subject.pid}-{secrets.token_hex(8)}"
        self._at = os.open(spool, os.O_RDONLY | os.O_DIRECTORY) if self._folder is None else self._folder.descriptor
        self.path = f"{self._folder.path if self._folder else spool}/{name}"
        self._name = name

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """A claim in the spool stays as long as the spool: what still waits in the target finds either it or no folder."""
        self.close_to_others()
        if self._folder is None:
            os.close(self._at)
        else:
            self._folder.remove()
            self._folder.close()

    def said(self) -> str | None:
        """What the target wrote at the end of the run: the path, and on a second line what the code raised. "" is a run
        that has begun, None one that has not."""
        try:
            file = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._at)
        except OSError:
            return None
        with os.fdopen(file, "rb") as reading:
            return reading.read(_LONGEST_SAYING).decode("utf-8", "replace")

    def wait(self, deadline: float) -> str | None:
        """Until it has said something, or the deadline; then as `said`."""
        while not (said := self.said()) and time.monotonic() < deadline and processes.alive(self._pid):
            time.sleep(_POLL)
        return said

    def close_to_others(self) -> bool:
        """True where from now on nobody can begin, False where the target was first."""
        try:
            os.close(os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._at))
        except OSError as error:
            return not isinstance(error, FileExistsError)
        return True


def _visible(subject: Subject, spool: str) -> bool:
    """Whether the spool's path means the spool to the target as well, and its user may create a file there."""
    try:
        inside, outside = os.stat(f"/proc/{subject.pid}/root{spool}"), os.stat(spool)
        folders = [os.stat(folder) for folder in Path(spool).parents]
    except OSError:
        return False
    same = (inside.st_dev, inside.st_ino) == (outside.st_dev, outside.st_ino)
    if not same or not subject.shares_files:
        return False
    return _allows(outside, subject, 0o3) and all(_allows(folder, subject, 0o1) for folder in folders)


def _allows(folder: os.stat_result, subject: Subject, wanted: int) -> bool:
    if subject.user == 0:
        return True
    mode = stat.S_IMODE(folder.st_mode)
    if folder.st_uid == subject.user:
        mode >>= 6
    elif folder.st_gid in (subject.group, *subject.groups):
        mode >>= 3
    return mode & wanted == wanted


def _descend(root: str, names: list[str]) -> int:
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in names:
        try:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _hand_over(file: int, subject: Subject) -> None:
    if os.geteuid() != subject.user:
        os.fchown(file, subject.user, subject.group)
