"""sys.remote_exec of Python 3.14 and later, called by the target's own interpreter: tool and target are to be of one version.

It hands over a file, which the target's main thread runs when it next runs Python; while that thread waits, nothing happens.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from perfkit.collectors.injection import payload
from perfkit.collectors.injection.interface import Refused, Subject
from perfkit.collectors.injection.preconditions import environment, executable, is_ending
from perfkit.collectors.injection.private_folder import private_folder

SINCE = (3, 14)
_CALL = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
_LONGEST = 3.0
SCRIPT = "run.py"


def possible(subject: Subject) -> bool:
    """In its own mount namespace only: a program of another one does not find its library here."""
    name = os.path.basename(executable(subject.pid))
    return subject.version >= SINCE and subject.shares_files and name.startswith("python")


@contextmanager
def handed_over(subject: Subject, source: str, claim: str) -> Iterator[bool]:
    """Whether the target has got it. It removes the file itself, as soon as it comes to it: were the file gone by then, it
    would say so on its standard error. Only a process that has ended leaves that to us."""
    if not possible(subject):
        yield False
        return
    try:
        folder = private_folder(subject)
    except Refused:
        yield False
        return
    accepted = False
    try:
        with suppress(OSError):
            folder.create(SCRIPT, payload.script(source, subject.inner_pid, claim, folder.path, SCRIPT), subject)
            accepted = True  # should a signal end the call, it may have been made
            accepted = _call(subject, f"{folder.path}/{SCRIPT}")
        yield accepted
    finally:
        if not accepted or is_ending(subject.pid):
            folder.remove()
        folder.close()


def _call(subject: Subject, script: str) -> bool:
    """As the target's own user: its interpreter may be anybody's program, and root does not run those. One that is not
    finished in time may have handed it over all the same."""
    words = [f"/proc/{subject.pid}/exe", "-I", "-S", "-c", _CALL, str(subject.pid), script]
    user: dict[str, Any] = {}
    if os.geteuid() == 0 and subject.user != 0:
        user = {"user": subject.user, "group": subject.group, "extra_groups": subject.groups}
    try:
        done = subprocess.run(
            words,
            cwd="/",
            env=_libraries(subject.pid),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
            **user,
        )
    except subprocess.TimeoutExpired:
        return True
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _libraries(pid: int) -> dict[str, str]:
    """Where the target's interpreter finds its library, if it had to be told."""
    name = "LD_LIBRARY_PATH"
    found = environment(pid).get(name)
    return {name: found} if found else {}
