"""sys.remote_exec of Python 3.14 and later, called by the target's own interpreter: tool and target are to be of one version.

It hands over a file, which the target's main thread runs when it next runs Python; while that thread waits, nothing happens.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from perfkit.collectors.injection import payload
from perfkit.collectors.injection.interface import Refused, Subject
from perfkit.collectors.injection.meeting import private_folder
from perfkit.collectors.injection.preconditions import environment, executable

SINCE = (3, 14)
_CALL = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
_LONGEST = 10.0
_FILE = "run.py"


def possible(subject: Subject) -> bool:
    """In its own mount namespace only: a program of another one does not find its library here."""
    name = os.path.basename(executable(subject.pid))
    return subject.version >= SINCE and subject.shares_files and name.startswith("python")


def hand_over(subject: Subject, source: str, claim: str) -> bool:
    """Whether the target has got it. What it has got it removes itself, as soon as it comes to it."""
    try:
        folder = private_folder(subject)
    except Refused:
        return False
    accepted = False
    try:
        text = payload.script(source, subject.inner_pid, claim, folder.path, _FILE)
        folder.create(_FILE, text, subject)
        accepted = _call(subject, f"{folder.path}/{_FILE}")
    except OSError:
        accepted = False
    finally:
        if not accepted:
            folder.remove()
        folder.close()
    return accepted


def _call(subject: Subject, script: str) -> bool:
    """As the target's own user: its interpreter may be anybody's program, and root does not run those."""
    words = [f"/proc/{subject.pid}/exe", "-I", "-S", "-c", _CALL, str(subject.pid), script]
    user: dict[str, object] = {}
    if os.geteuid() == 0 and subject.user != 0:
        user = {"user": subject.user, "group": subject.group, "extra_groups": subject.groups}
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            words,
            cwd="/",
            env=_libraries(subject.pid),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
            **user,  # type: ignore[call-overload]
        )
        return bool(done.returncode == 0)
    return False


def _libraries(pid: int) -> dict[str, str]:
    """Where the target's interpreter finds its library, if it had to be told."""
    name = "LD_LIBRARY_PATH"
    found = environment(pid).get(name)
    return {name: found} if found else {}
