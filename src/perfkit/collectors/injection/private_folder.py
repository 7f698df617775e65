"""A private folder in the target's temporary folder, made from outside through /proc/PID/root; and what the target may reach.

Links on the way are not followed: in another mount namespace they would lead to files of ours.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perfkit.collectors.injection.interface import Subject, refused

_TEMPORARY = ("tmp", "dev/shm", "var/tmp", "run")


@dataclass(frozen=True)
class Folder:
    """A private folder of the target's: `path` as it sees it, `descriptor` as we hold it."""

    path: str
    parent: int
    descriptor: int

    def create(self, name: str, text: str, subject: Subject) -> None:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=self.descriptor)
        with os.fdopen(file, "wb") as writing:
            hand_over(file, subject)
            writing.write(text.encode("utf-8", "surrogateescape"))

    def remove(self) -> None:
        """Away from its name at once, so that nothing can be claimed in it any more, and then altogether."""
        name = Path(self.path).name
        with suppress(OSError):
            os.rename(name, f"{name}-over", src_dir_fd=self.parent, dst_dir_fd=self.parent)
            shutil.rmtree(f"{name}-over", ignore_errors=True, dir_fd=self.parent)

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self.parent)


def private_folder(subject: Subject, prefix: str = "perfkit") -> Folder:
    """Of the target's user, in its own mount namespace. Raises Refused where it can write nowhere."""
    for place in _TEMPORARY:
        with suppress(OSError):
            at = _descend(f"/proc/{subject.pid}/root", place.split("/"), subject)
            name = f"{prefix}-{secrets.token_hex(8)}"
            try:
                os.mkdir(name, 0o700, dir_fd=at)
                inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                hand_over(inside, subject)
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


def reaches(subject: Subject, path: str, wanted: int) -> bool:
    """Whether a path means the same to the target as to us, and it may do there what `wanted` says (bits of a mode: 0o4 read,
    0o2 write, 0o1 enter)."""
    try:
        inside, outside = os.stat(f"/proc/{subject.pid}/root{path}"), os.stat(path)
        folders = [os.stat(folder) for folder in Path(path).parents]
    except OSError:
        return False
    if (inside.st_dev, inside.st_ino) != (outside.st_dev, outside.st_ino):
        return False
    return _allows(outside, subject, wanted) and all(_allows(folder, subject, 0o1) for folder in folders)


def hand_over(file: int, subject: Subject) -> None:
    if os.geteuid() != subject.user:
        os.fchown(file, subject.user, subject.group)


def _allows(folder: os.stat_result, subject: Subject, wanted: int) -> bool:
    if subject.user == 0:
        return True
    mode = stat.S_IMODE(folder.st_mode)
    if folder.st_uid == subject.user:
        mode >>= 6
    elif folder.st_gid in (subject.group, *subject.groups):
        mode >>= 3
    return mode & wanted == wanted


def _descend(root: str, names: list[str], subject: Subject) -> int:
    """A descriptor of the folder, which the target may enter as well."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in names:
        try:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        at = below
        if not _allows(os.fstat(at), subject, 0o1):
            os.close(at)
            raise PermissionError(name)
    return at
