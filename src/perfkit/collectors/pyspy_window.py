"""One run of py-spy over one process: a short window of looks at its threads, ended by itself, by its end, or by SIGINT.

py-spy holds its samples in memory until it ends, so windows are short: nothing but the window under way can be lost.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.model.recording import SampleKind

PRIORITY = -10
_SUMMARY = re.compile(r"Samples: (\d+) Errors: (\d+)")
_BEHIND = re.compile(r"([\d.]+)s behind in sampling")


def find_pyspy() -> str:
    """The py-spy that is installed beside perfkit, else one on PATH. Raises PerfkitError where there is none."""
    from shutil import which

    name = "py-spy.exe" if os.name == "nt" else "py-spy"
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / name).is_file():
            return str(folder / name)
    found = which(name)
    if found is None:
        raise PerfkitError("py-spy is not installed beside perfkit.", "reinstall perfkit: pipx reinstall perfkit")
    return found


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What one py-spy left: raw text, or the first line of its error. `cpu` is what it cost, in seconds."""

    lines: tuple[str, ...]
    errors: int
    behind: int
    cpu: float
    failure: str | None


class PySpyWindow:
    """A window under way. `started` is on the run's clock."""

    def __init__(self, pid: int, kind: SampleKind, rate: float, seconds: float, spool: str, started: float) -> None:
        self.pid = pid
        self.kind: SampleKind = kind
        self.rate = rate
        self.started = started
        self.deadline = started + seconds
        self._out = Path(spool, f"{pid}-{started:.3f}-{kind}.raw")
        self._err = self._out.with_suffix(".err")
        self._cpu = 0.0
        # -d ends py-spy by itself should perfkit be killed; it counts intervals, so under load only SIGINT is punctual.
        words = [find_pyspy(), "record", "--pid", str(pid), "--idle" if kind == "wall" else "--gil"]
        words += ["--threads", "--full-filenames", "--format", "raw", "--rate", str(round(rate))]
        words += ["--duration", str(max(1, round(seconds + 0.5))), "--output", str(self._out)]
        with self._err.open("wb") as err:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True
            )

        # On a busy machine py-spy would otherwise run when the target does not, and find it waiting. Only root may do this.
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, PRIORITY)

    def interrupt(self) -> None:
        """SIGINT makes py-spy write what it has; SIGTERM would make it lose everything."""
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def ended(self, block: bool = False) -> bool:
        """Whether py-spy has ended. Reaps it by wait4, which alone tells what it cost."""
        if self._process.returncode is not None:
            return True
        pid, status, usage = os.wait4(self._process.pid, 0 if block else os.WNOHANG)
        if pid == 0:
            return False
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._cpu = usage.ru_utime + usage.ru_stime
        return True

    def result(self) -> WindowResult:
        """Read and remove what the ended py-spy wrote."""
        stderr = self._err.read_text(encoding="utf-8", errors="replace") if self._err.exists() else ""
        lines: tuple[str, ...] = ()
        failure = None
        if self._out.exists():
            lines = tuple(self._out.read_text(encoding="utf-8", errors="replace").splitlines())
        elif self._process.returncode != 0 or not _SUMMARY.search(stderr):
            failure = _first_error(stderr)
        self._out.unlink(missing_ok=True)
        self._err.unlink(missing_ok=True)
        summary = _SUMMARY.search(stderr)
        return WindowResult(lines, int(summary[2]) if summary else 0, len(_BEHIND.findall(stderr)), self._cpu, failure)


def _first_error(stderr: str) -> str:
    """The first line of py-spy's error with its first cause, without the Rust backtrace below it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("py-spy>")]
    if not lines:
        return "py-spy ended without a word"
    first = lines[0].removeprefix("Error: ")
    causes = [line for line in lines[1:] if re.match(r"\d+: ", line)]
    return f"{first.rstrip('.')} ({causes[0].split(': ', 1)[1]})" if causes else first
