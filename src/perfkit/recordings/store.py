"""The folder `.perfkit` of a project: names for new recordings, the latest one, what is there, and pruning."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.recordings.claim import reserve
from perfkit.recordings.failures import write_failure
from perfkit.recordings.opening import being_written, is_recording, journal_of

FOLDER = ".perfkit"
SUFFIX = ".perfkit"
LATEST = "latest.perfkit"
_LATEST_AS_TEXT = "latest"  # where the file system has no symbolic links
_OUR_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-.+\.perfkit")
_MAKE_ONE = "record one first: perfkit run -- COMMAND"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored recording at a glance. `started` is seconds since the epoch, `size` bytes.

    Where it is not `readable`, `started` is when the file changed last, `duration` 0 and the texts are empty.
    """

    path: Path
    started: float
    duration: float
    command: str
    engine: str
    sealed: bool
    size: int
    readable: bool


class Store:
    """The folder `.perfkit` inside `root`, the project's folder. PerfkitError wherever the disk refuses."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def create(self) -> None:
        """Makes the folder, for its owner alone and ignored by git; does nothing where it is there."""
        with self._changing():
            if self.folder.exists() and not self.folder.is_dir():
                raise PerfkitError(
                    f"{self.folder} is a file, and perfkit keeps its recordings in a folder of that name.",
                    "move the file away, or record to another place with -o FILE.",
                )
            self.folder.mkdir(mode=0o700, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="ascii")

    def new_path(self, label: str, now: datetime) -> Path:
        """A name that is free, made of the time and of `label`'s safe characters; an empty file reserves it."""
        self.create()
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", label)[:40].strip("-.") or "run"
        stem = f"{now:%Y-%m-%dT%H-%M-%S}-{safe}"
        with self._changing():
            for number in count(1):
                path = self.folder / f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}"
                with suppress(FileExistsError):
                    reserve(path)
                    return path
        raise AssertionError("unreachable: count() does not end")

    def set_latest(self, recording: Path) -> None:
        """Points `latest.perfkit` at a recording, at once: there is no moment without a latest one."""
        inside = recording.absolute().parent == self.folder.absolute()
        target = recording.name if inside else str(recording.absolute())
        link, text = self.folder / LATEST, self.folder / _LATEST_AS_TEXT
        waiting = self.folder / f".latest-{os.getpid()}"
        with self._changing():
            waiting.unlink(missing_ok=True)
            try:
                waiting.symlink_to(target)
                waiting.replace(link)
                text.unlink(missing_ok=True)
            except (OSError, NotImplementedError):
                waiting.unlink(missing_ok=True)
                waiting.write_text(target, encoding="utf-8", errors="surrogateescape")
                waiting.replace(text)
                link.unlink(missing_ok=True)

    def latest(self) -> Path:
        """The recording that `set_latest` named; where that is gone, the newest. Raises PerfkitError without any."""
        pointed = self._pointed()
        if pointed is not None and pointed.is_file():
            return pointed
        readable = [entry.path for entry in self.entries() if entry.readable]
        if not readable:
            raise PerfkitError(f"there is no recording in {self.folder}.", _MAKE_ONE)
        return readable[0]

    def entries(self) -> list[Entry]:
        """All recordings of the folder, newest first. Reads the table `run` of each, a few pages."""
        with self._changing():
            entries = [_entry(path) for path in self._files()]
        return sorted(entries, key=lambda entry: (entry.started, entry.path.name), reverse=True)

    def resolve(self, name: str | None) -> Path:
        """None or `latest`: the latest; else a path; else what a stored recording's file name begins with, if only one.

        Raises PerfkitError with the nearest name, or with how to make a recording.
        """
        if name is None or name in ("latest", LATEST):
            return self.latest()
        with suppress(OSError):  # a name too long for a file is not one
            if Path(name).is_file():
                return Path(name)
        paths = sorted(self._files())
        exact = [path for path in paths if name in (path.name, path.stem)]
        found = exact or [path for path in paths if name and path.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(path.stem for path in found[-3:])
            raise PerfkitError(f"{len(found)} recordings begin with {name}.", f"write more of the name: {shown}", USAGE)
        raise PerfkitError(f"there is no recording named {name}.", _suggestion(name, paths), USAGE)

    def prune(self, keep: int | None, older_than: timedelta | None, now: datetime) -> list[Path]:
        """Removes recordings beyond the newest `keep`, or older than `older_than`; given both, only what both would.

        With each goes its report (`.html`) and its journal. Left alone: recordings that are being written, and files
        that perfkit did not write. Returns the recordings that are gone, newest first.
        """
        if keep is None and older_than is None:
            return []
        oldest = None if older_than is None else (now - older_than).timestamp()
        ours = [entry for entry in self.entries() if _is_ours(entry)]
        doomed = [
            entry.path
            for entry in ours[keep or 0 :]
            if (oldest is None or entry.started < oldest) and not being_written(entry.path)
        ]
        pointed = self._pointed()
        with self._changing():
            for path in doomed:
                path.unlink()
                path.with_suffix(".html").unlink(missing_ok=True)
                journal_of(path).unlink(missing_ok=True)
        if doomed and pointed is not None and not pointed.exists():
            self._point_at_newest(entry for entry in ours if entry.path not in doomed)
        return doomed

    def _point_at_newest(self, entries: Iterable[Entry]) -> None:
        newest = next((entry.path for entry in entries if entry.readable), None)
        if newest is not None:
            self.set_latest(newest)
            return
        with self._changing():
            for name in (LATEST, _LATEST_AS_TEXT):
                (self.folder / name).unlink(missing_ok=True)

    def _pointed(self) -> Path | None:
        """Where latest points, whether or not something is there."""
        link, text = self.folder / LATEST, self.folder / _LATEST_AS_TEXT
        with suppress(OSError):
            return Path(os.path.normpath(self.folder / link.readlink()))
        with suppress(OSError, ValueError):
            return Path(os.path.normpath(self.folder / text.read_text(encoding="utf-8", errors="surrogateescape")))
        return None

    def _files(self) -> list[Path]:
        """Links are left out: `latest.perfkit` is one, and what another points at is not stored here."""
        with self._changing():
            if not self.folder.is_dir():
                return []
            return [path for path in self.folder.iterdir() if path.suffix == SUFFIX and _is_plain(path)]

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_failure(Path(error.filename or self.folder), error) from error


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _entry(path: Path) -> Entry:
    from perfkit.recordings.reader import load_run  # the nouns take 10 ms to import: not for an empty folder

    status = path.stat()
    try:
        run = load_run(path)
    except PerfkitError:
        return Entry(path, status.st_mtime, 0.0, "", "", False, status.st_size, False)
    return Entry(path, run.started, run.duration, run.command, run.engine, run.sealed, status.st_size, True)


def _is_ours(entry: Entry) -> bool:
    if entry.size == 0:
        return bool(_OUR_NAME.fullmatch(entry.path.name))
    try:
        return entry.readable or is_recording(entry.path)
    except OSError:
        return False


def _suggestion(name: str, paths: list[Path]) -> str:
    from difflib import get_close_matches

    if not paths:
        return _MAKE_ONE
    near = get_close_matches(Path(name).name.removesuffix(SUFFIX), [path.stem for path in paths], n=1)
    return f"did you mean {near[0]}?" if near else "perfkit list"
