"""memray in a launched target and its forks: every allocation, at about twice the CPU time; what stood when most memory was in use
is told by line and stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perfkit.collectors.inprocess import lent
from perfkit.collectors.memory_engine import MemoryEngine
from perfkit.model.memory import LineBytes
from perfkit.model.recording import Gap, Stack

_READING = str(Path(__file__).parents[1] / "probe" / "perfkit_probe" / "memray_reading.py")
_LONGEST = 300.0
# The log of the process itself, and of those that it forked.
_LOG = re.compile(r"memray-(\d+)\.bin(?:\.(\d+))?")


class MemrayEngine(MemoryEngine):
    """The lines are those of the project that the allocations came from, whatever allocated for them."""

    name = "memray"

    @staticmethod
    def environment(spool: str, perfkit_pid: int) -> dict[str, str]:
        return {"PERFKIT_ENGINE": "memray", "PERFKIT_SPOOL": spool, **lent("memray", "rich", "typing_extensions")}

    def read(self, written: dict[str, Any]) -> None:
        python = str(written["python"]) or sys.executable
        for log in sorted(Path(self.context.spool).iterdir()):
            match = _LOG.fullmatch(log.name)
            if match is None:
                continue
            process = self.processes.get(int(match[2] or match[1]), 1)
            try:
                found = _read(python, log)
                self.keep(row for record in found["records"] for row in self._rows(process, *record))
            except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
                what = f"allocations of process {match[2] or match[1]}"
                self.context.sink.gap(Gap(what, f"memray's log cannot be read: {_why(error)}", "measure again"))

    def _rows(self, process: int, size: int, allocations: int, frames: list[list[Any]]) -> Iterator[LineBytes]:
        stack = self._stack(frames)
        place = next((frame for frame in reversed(stack) if frame.origin == "app"), None)
        if place is not None:
            identity = self.context.sink.intern(stack)
            yield LineBytes(process, identity, place.function, place.file, 0, place.line, allocations, size, size)

    def _stack(self, frames: list[list[Any]]) -> Stack:
        return tuple(self.frame(str(function), str(file), int(line)) for function, file, line in reversed(frames))


def _read(python: str, log: Path) -> dict[str, Any]:
    """By an interpreter that has the memray that wrote it."""
    out = log.with_name(log.name + ".json")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PERFKIT_")}
    done = subprocess.run(
        [python, _READING, str(log), str(out)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=_LONGEST,
        check=False,
    )
    if not out.exists():
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(lines[-1] if lines else f"{python} ended with {done.returncode}")
    found: dict[str, Any] = json.loads(out.read_bytes())
    return found


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
