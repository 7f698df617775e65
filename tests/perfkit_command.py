"""The installed `perfkit` command, as people and scripts call it: as a subprocess, on a terminal, as another user."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perfkit.shared import processes

PROGRAMS = Path(__file__).parent / "programs"
CONSOLE_SCRIPT = Path(sysconfig.get_path("scripts"), "perfkit")
LONGEST = 60.0
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")


def clean_environment(**changes: str) -> dict[str, str]:
    """Ours without what would steer perfkit or its colours."""
    steering = ("PERFKIT_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return {**kept, "PATH": f"{CONSOLE_SCRIPT.parent}{os.pathsep}{kept['PATH']}", "TERM": "xterm", **changes}


def program(name: str) -> list[str]:
    """The words that run one of tests/programs."""
    return [sys.executable, str(PROGRAMS / name)]


@dataclass
class Ended:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    def error(self, code: int) -> str:
        """What it said, after seeing that it is one clear error with a remedy and no traceback."""
        assert self.code == code, (self.code, self.err)
        assert "Traceback" not in self.err
        assert len(re.findall(r"^error: ", self.err, re.MULTILINE)) == 1, self.err
        assert re.search(r"^  try: \S", self.err, re.MULTILINE), self.err
        return self.err


class Here:
    """perfkit called in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *words: str, stdin: bytes = b"", **environment: str) -> Ended:
        done = subprocess.run(
            [CONSOLE_SCRIPT, *words],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            env=clean_environment(**environment),
            timeout=LONGEST,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def run(self, *words: str, options: Sequence[str] = (), stdin: bytes = b"", **environment: str) -> Ended:
        return self("run", *options, "--", *words, stdin=stdin, **environment)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """In the background; its first line of output, which says that the target is up, is not read."""
        popen = subprocess.Popen(
            [CONSOLE_SCRIPT, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            start_new_session=True,
        )
        self.started.append(popen)
        return popen

    @property
    def recordings(self) -> list[Path]:
        kept = self.folder / ".perfkit"
        found = kept.glob("*.perfkit") if kept.is_dir() else []
        return sorted(path for path in found if not path.is_symlink())

    def findings(self) -> list[dict[str, Any]]:
        return list(self.report()["findings"])

    def report(self, *words: str) -> dict[str, Any]:
        shown = self("report", "--format", "json", *words)
        assert shown.code == 0, shown.err
        found: dict[str, Any] = json.loads(shown.out)
        return found


def kill_all(pid: int) -> None:
    for one in [pid, *processes.descendants(pid)]:
        with suppress(OSError):
            os.kill(one, signal.SIGKILL)


class Terminal:
    """A command with a terminal of its own. `read_until` waits until it has shown a pattern."""

    def __init__(self, words: Sequence[str], folder: Path, **environment: str) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execve(words[0], list(words), clean_environment(**environment))
            finally:
                os._exit(99)
        self.shown = ""
        self.code: int | None = None

    def read_until(self, pattern: str) -> str:
        while not re.search(pattern, self.shown):
            if not self._read():
                raise AssertionError(f"ended before it showed {pattern!r}: {self.shown}")
        return self.shown

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def close(self) -> None:
        if self.code is None:
            kill_all(self.pid)
            with suppress(OSError):
                os.waitpid(self.pid, 0)
        os.close(self._master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], LONGEST)
        if not ready:
            raise AssertionError(f"silent for {LONGEST} s after: {self.shown}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # how Linux says that nobody has the other end open any more
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


class Ordinary:
    """perfkit as the user nobody, from a copy that this user can read; `folder` is his."""

    def __init__(self, root: Path, python: str) -> None:
        self.root, self.python = root, python
        self.folder = root / "home"
        self.folder.mkdir()
        shutil.chown(self.folder, "nobody")

    def __call__(self, *words: str) -> Ended:
        done = subprocess.run(self.words(*words), cwd=self.folder, capture_output=True, timeout=LONGEST, check=False)
        return Ended(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def words(self, *words: str) -> list[str]:
        environment = [f"PYTHONPATH={self.root}/lib", f"PATH={self.root}/bin:/usr/bin:/bin", f"HOME={self.folder}"]
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]
        return [*user, "env", "-i", *environment, self.python, "-B", "-m", "perfkit", *words]


def interpreter(version: str) -> str:
    """The path of a CPython of that version; skips the test where there is none."""
    installed = sorted(PYENV.glob(f"{version}.*/bin/python")) if PYENV.is_dir() else []
    found = str(installed[-1]) if installed else shutil.which(f"python{version}")
    if found is None and sys.version_info[:2] == tuple(map(int, version.split("."))):
        found = sys.executable
    if found is None:
        pytest.skip(f"Python {version} is not installed")
    return found
