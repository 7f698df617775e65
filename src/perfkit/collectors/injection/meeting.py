"""Where the target says that the text has run: a claim, one file of a folder that both can reach.

The spool, where the target sees it and may write there. Else (another mount namespace, another user) a folder of its own in
the target's temporary folder, made from outside through /proc/PID/root.
"""

from __future__ import annotations

import os
import secrets
import time
from types import TracebackType

from perfkit.collectors.injection.interface import Subject
from perfkit.collectors.injection.private_folder import private_folder, reaches
from perfkit.shared import processes

_POLL = 0.001
_LONGEST_SAYING = 2000


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
    return subject.shares_files and reaches(subject, spool, 0o3)
