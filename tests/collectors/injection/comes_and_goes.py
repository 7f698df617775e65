"""The whole probe in processes that run: the command that brings it, and what of it is left in a process afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from injected import LONGEST, until

from perfkit import load
from perfkit.collectors.injection import inject
from perfkit.shared import processes
from perfkit_command import CONSOLE_SCRIPT, clean_environment

# Everything that a hook can hang on: whoever runs this finds what differs from what was there before.
_STATE = """
import gc, json, os, sys
def changed():
    for place, module in list(sys.modules.items()):
        if place.partition(".")[0] == "perfkit_probe":
            continue
        for name, value in list(getattr(module, "__dict__", {}).items()):
            found = [(name, value)]
            if issubclass(type(value), type):
                found += [(name + "." + inner, one) for inner, one in list(vars(value).items())]
            for name, one in found:
                if type(one) in (staticmethod, classmethod):
                    one = one.__func__
                kinds = [type(one).__dict__.get("__module__")]
                if issubclass(type(one), type):  # isinstance would ask a proxy what it stands for
                    kinds.append(one.__dict__.get("__module__"))
                if type(one) is type(changed):
                    kinds.append("perfkit_probe" if "perfkit_probe" in one.__code__.co_filename else "")
                if any(isinstance(kind, str) and kind.startswith("perfkit_probe") for kind in kinds):
                    yield place + "." + name
threads = [frame.f_code.co_filename for frame in sys._current_frames().values() if "perfkit_probe" in frame.f_code.co_filename]
state = {
    "changed": sorted(set(changed())),
    "finders": [str(type(finder)) for finder in sys.meta_path],
    "callbacks": [str(one) for one in gc.callbacks if not str(one).startswith("<bound method")],
    "path": sys.path,
    "threads": threads,
    "profile": str((sys.getprofile(), sys.gettrace())),
}
with open(PLACE + ".part", "w") as file:
    json.dump(state, file)
os.replace(PLACE + ".part", PLACE)
"""


class Visits:
    """Visits to a process and its children, in a folder of the test's own."""

    def __init__(self, folder: Path, pid: int, *, workers: int = 0) -> None:
        self._folder, self.pid = folder, pid
        self.spool = folder / "state-spool"
        self.spool.mkdir(mode=0o700)
        until(lambda: len(processes.descendants(pid)) >= workers)
        self.pids = [pid, *processes.descendants(pid)]
        self.before = self.states()
        self.slowest = 0.0

    def states(self) -> list[dict[str, Any]]:
        return [self._state(pid) for pid in self.pids]

    def _state(self, pid: int) -> dict[str, Any]:
        told = self._folder / f"state-{pid}.json"
        told.unlink(missing_ok=True)
        inject(pid, _STATE.replace("PLACE", repr(str(told))), spool=str(self.spool), timeout=LONGEST)
        found: dict[str, Any] = json.loads(told.read_text())
        return found

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        words = [CONSOLE_SCRIPT, "attach", str(self.pid), "--sql", "--yes", "-q", *options]
        return subprocess.Popen(
            words,
            cwd=self._folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def visit(self, *options: str, requests: bool = False) -> None:
        """One to the end, in which the probe comes into every process, and sees requests. They are afterwards as they were."""
        missing: list[str] = []
        for seconds in (0.6, 2.5, 10.0):  # on a busy machine it takes longer until it is in all of them
            recording = self._folder / "visit.perfkit"
            perfkit = self.start(f"-d{seconds}", "-o", str(recording), *options)
            _, said = perfkit.communicate(timeout=LONGEST)
            self.is_as_before(within=2.0)
            if perfkit.returncode == 125 and b"nothing was measured" in said:
                continue  # no sample in so short a time
            assert perfkit.returncode == 0, said.decode()
            found = load(recording)
            for path in self._folder.glob("visit.*"):
                path.unlink()
            missing = [gap.why for gap in found.gaps if "requests, routes and statements" in gap.what]
            if not missing and (not requests or any(request.source == "probe" for request in found.requests)):
                return
        raise AssertionError(f"the probe was not everywhere, or saw no request: {missing}")

    def is_as_before(self, within: float = 0.0) -> None:
        """The same processes, and nothing left in them, now or a little later."""
        begun = time.monotonic()
        while (states := self.states()) != self.before and time.monotonic() < begun + within:
            time.sleep(0.05)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        differs = [
            (pid, key, before[key], now[key])
            for pid, before, now in zip(self.pids, self.before, states, strict=True)
            for key in before
            if before[key] != now[key]
        ]
        assert not differs, differs
        assert [self.pid, *processes.descendants(self.pid)] == self.pids

    def memory(self) -> list[int]:
        """Bytes of each process that no file holds."""
        return [_anonymous(pid) for pid in self.pids]


def _anonymous(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))


def note(name: str, **numbers: object) -> None:
    """What a long run measured, for whoever asks: a line in the file that PERFKIT_TEST_NOTES names."""
    path = os.environ.get("PERFKIT_TEST_NOTES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name}: {numbers}\n")


def growth(figures: Sequence[Sequence[int]]) -> int:
    """Bytes by which one process grew most from the middle one on: before, modules are loaded and tables filled."""
    return max(last - first for first, last in zip(figures[len(figures) // 2], figures[-1], strict=True))
