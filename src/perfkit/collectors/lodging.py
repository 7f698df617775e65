"""Where the probe lives in a target that does not see perfkit's files: a copy of it and a spool, in a private folder of the target's.

Wishes are carried in. What the probe leaves is carried out into perfkit's own spool, under the process ids that count outside.
Nothing in that folder is trusted: no link is followed, and only regular files are read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perfkit.collectors.injection.interface import Subject, refused
from perfkit.collectors.injection.private_folder import Folder, hand_over, private_folder
from perfkit.collectors.injection.remote_exec import SCRIPT
from perfkit.collectors.wishes import NAMES

PREFIX = "perfkit-probe"
LOCK = "held"
_SPOOL = "spool"
# As where perfkit is installed: by this samples tell its frames from others'.
_COPY = ("perfkit", "probe", "perfkit_probe")
_CUT = "-cut"
# What a probe writes: nothing else is carried out, least of all a wish.
_LEFT = re.compile(r"(?P<kind>events|lines|calls|left|tracing)-(?P<pid>\d+)(?P<rest>(-[0-9a-f]+)?(\.json|-cut)?)")
_MEETING = re.compile(r"perfkit-[0-9a-f]{16}(-over)?")
_LARGEST = 16 << 20  # bytes of a file that is carried whole
_MOST = 1 << 20  # bytes of events that one poll carries
_NEW = 60.0  # seconds in which a folder may have no lock yet, and code is to run
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass
class _Carried:
    """A file of the probe's: the name that it has outside, what it was when it was carried, and how far."""

    name: str
    version: tuple[int, int] = (0, 0)
    offset: int = 0


class Lodging:
    """One for all processes of one user in one mount namespace; root's is open to workers that give up root."""

    def __init__(self, subject: Subject, probe: str, beside: Collection[Lodging] = ()) -> None:
        """`probe` is the folder that holds the package, `beside` are the others of this run. Raises Refused where there is no
        place or no room."""
        self.user = subject.user
        self._subject = subject
        self._folder = private_folder(subject, PREFIX)
        self.path, self.spool = self._folder.path, f"{self._folder.path}/{_SPOOL}"
        self.probe = "/".join((self.path, *_COPY[:-1]))
        self._wishes: dict[str, tuple[int, int]] = {}
        self._carried: dict[str, _Carried] = {}
        self._open = [self._folder.descriptor, self._folder.parent]
        try:
            self._furnish(Path(probe, _COPY[-1]))
        except OSError as error:
            self.remove()
            why = f"there is no room for the probe in {Path(self.path).parent} as it sees it: {error.strerror}"
            raise refused(subject.pid, why, "give it a larger temporary folder (docker: --tmpfs /tmp)") from None
        _sweep(self._folder, {Path(one.path).name for one in (self, *beside)}, subject.user)

    def _furnish(self, package: Path) -> None:
        """Held by a lock for as long as this process lives: which no process of another PID namespace could see otherwise."""
        shared = self.user == 0
        os.fchmod(self._folder.descriptor, 0o711 if shared else 0o700)
        lock = self._file(LOCK, self._folder.descriptor, b"")
        self._open.append(lock)
        os.lockf(lock, os.F_LOCK, 0)
        inside = self._folder.descriptor
        for name in _COPY:
            inside = self._subfolder(name, inside, 0o755)
        for source in sorted(package.glob("*.py")):
            os.close(self._file(source.name, inside, source.read_bytes()))
        self._at = self._subfolder(_SPOOL, self._folder.descriptor, 0o1777 if shared else 0o700)

    def _subfolder(self, name: str, above: int, mode: int) -> int:
        os.mkdir(name, 0o700, dir_fd=above)
        at = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        self._open.append(at)
        hand_over(at, self._subject)
        os.fchmod(at, mode)
        return at

    def _file(self, name: str, at: int, content: bytes) -> int:
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=at)
        try:
            hand_over(file, self._subject)
            os.fchmod(file, 0o644)
            while content:
                content = content[os.write(file, content) :]
        except OSError:
            os.close(file)
            raise
        return file

    def carry_in(self, spool: str) -> None:
        """perfkit's wishes as they are now."""
        for name in NAMES:
            try:
                content = Path(spool, name).read_bytes()
                status = os.stat(Path(spool, name))
            except FileNotFoundError:
                if self._wishes.pop(name, None) is not None:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=self._at)
                continue
            version = (status.st_ino, status.st_mtime_ns)
            if self._wishes.get(name) != version:
                self._wishes[name] = version
                self._wish(name, json.loads(content))

    def _wish(self, name: str, wish: dict[str, object]) -> None:
        """Of an owner whom nobody sees there: it holds for as long as the lock."""
        told = json.dumps({**wish, "owner": 0, "lock": f"{self.path}/{LOCK}"}).encode("ascii")
        part = f"{name}.part"
        with suppress(OSError):
            os.unlink(part, dir_fd=self._at)
        with suppress(OSError):  # its disk is full, or its folder was cleaned
            os.close(self._file(part, self._at, told))
            os.rename(part, name, src_dir_fd=self._at, dst_dir_fd=self._at)

    def carry_out(self, spool: str, outside: Callable[[int], int]) -> bool:
        """What is new into `spool`; `outside` gives our id for the process that has the one it is given inside. True where more
        is left than is carried in one go."""
        try:
            names = set(os.listdir(self._at))
        except OSError:
            return False
        most = _MOST
        for name in [name for name in self._carried if name not in names]:
            self._note_gone(spool, name, names)
        for name in sorted(names):
            match = _LEFT.fullmatch(name)
            if match is None:
                continue
            if name not in self._carried:
                outer = outside(int(match["pid"]))
                self._carried[name] = _Carried(f"{match['kind']}-{outer}{match['rest']}")
            with suppress(OSError):
                if match["kind"] == "events":
                    most -= self._append(name, spool, most)
                else:
                    self._copy(name, spool)
        return most <= 0

    def _note_gone(self, spool: str, name: str, names: set[str]) -> None:
        """A file that was cut off is called otherwise from then on; one that says what is under way goes when it is over."""
        carried = self._carried.pop(name)
        if name + _CUT in names:
            self._carried[name + _CUT] = _Carried(carried.name + _CUT, offset=carried.offset)
            with suppress(OSError):
                Path(spool, carried.name).rename(Path(spool, carried.name + _CUT))
        elif not name.startswith("events-"):
            Path(spool, carried.name).unlink(missing_ok=True)

    def _append(self, name: str, spool: str, most: int) -> int:
        carried = self._carried[name]
        data = self._read(name, carried.offset, max(0, most))
        if data:
            with Path(spool, carried.name).open("ab") as file:
                file.write(data)
            carried.offset += len(data)
        return len(data)

    def _copy(self, name: str, spool: str) -> None:
        carried = self._carried[name]
        status = os.stat(name, dir_fd=self._at, follow_symlinks=False)
        version = (status.st_ino, status.st_mtime_ns)
        if carried.version == version:
            return
        part = Path(spool, carried.name + ".part")
        part.write_bytes(self._read(name, 0, _LARGEST))
        part.replace(Path(spool, carried.name))
        carried.version = version

    def _read(self, name: str, offset: int, most: int) -> bytes:
        file = os.open(name, _READ, dir_fd=self._at)
        try:
            return os.pread(file, most, offset) if stat.S_ISREG(os.fstat(file).st_mode) else b""
        finally:
            os.close(file)

    def remove(self) -> None:
        self._folder.remove()
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()


def _sweep(folder: Folder, ours: Collection[str], user: int) -> None:
    """Those beside it, and meeting places, whose perfkit was killed with nobody in the target left to remove them."""
    for name in os.listdir(folder.parent):
        if name not in ours and (name.startswith(f"{PREFIX}-") or _MEETING.fullmatch(name)):
            with suppress(OSError):
                if _is_abandoned(name, folder.parent, user):
                    shutil.rmtree(name, ignore_errors=True, dir_fd=folder.parent)


def _is_abandoned(name: str, parent: int, user: int) -> bool:
    """Raises OSError where that cannot be told, or where it is held."""
    at = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        status = os.fstat(at)
        if status.st_uid != user or time.time() < status.st_mtime + _NEW:
            return False
        if not name.startswith(f"{PREFIX}-"):
            return SCRIPT not in os.listdir(at)  # which the target reads when it comes to it
        with suppress(FileNotFoundError):
            lock = os.open(LOCK, _READ, dir_fd=at)
            try:
                os.lockf(lock, os.F_TEST, 0)
            finally:
                os.close(lock)
        return True
    finally:
        os.close(at)
