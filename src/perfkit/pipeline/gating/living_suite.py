"""A living suite: one side's pytest, which has collected its tests and runs those it is asked for. The other end is the probe's
`pytest_turns`."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from perfkit.errors import PerfkitError
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.sides import Side, last_words
from perfkit.targets.launch import Launched

_PLUGIN = "perfkit_probe.pytest_turns"
_TICK = 0.02
# So long may a test go on that took a moment before.
_LONGEST = 600.0
_GRACE = 5.0


class Ran(NamedTuple):
    """Seconds of each repeat, of the call phases of all tests that were asked for; `elapsed` holds their fixtures as well."""

    cpu: tuple[float, ...]
    wall: tuple[float, ...]
    elapsed: float


class NotAgainError(Exception):
    """A test failed in a process that lives on, and has passed in one of its own."""

    def __init__(self, test: str, why: str) -> None:
        super().__init__(f"{test}: {why}")
        self.test, self.why = test, why


class LivingSuite:
    def __init__(self, side: Side, launched: Launched, output: Path) -> None:
        self._side, self._launched, self._output = side, launched, output
        self._lines: Any = None
        self.tests: frozenset[str] = frozenset()

    def meet(self, listening: socket.socket, timeout: float) -> None:
        """Wait until it has collected its tests. Raises PerfkitError (5)."""
        until = time.monotonic() + timeout
        listening.settimeout(_TICK)
        while self._lines is None:
            with suppress(TimeoutError):
                connected, _ = listening.accept()
                connected.settimeout(_LONGEST)
                self._lines = connected.makefile("rw", encoding="utf-8")
                connected.close()  # the file keeps it open
            if self._lines is None and self._launched.poll() is not None:
                raise self._failed("did not collect its tests")
            if time.monotonic() > until:
                raise self._failed(f"did not collect its tests within {timeout:.0f} s")
        self.tests = frozenset(self._told()["tests"])

    def run(self, tests: Sequence[str], repeats: int) -> Ran:
        """Raises NotAgainError, and PerfkitError (5) where the whole process ends."""
        began = time.perf_counter()
        try:
            self._lines.write(json.dumps({"run": list(tests), "repeats": repeats}) + "\n")
            self._lines.flush()
        except OSError as error:
            raise self._failed(f"ended before {tests[0]}") from error
        told = self._told(tests[0])
        if "failed" in told:
            raise NotAgainError(told["failed"], f"{told['when']}: {told['why']}")
        return Ran(tuple(told["cpu"]), tuple(told["wall"]), time.perf_counter() - began)

    def _told(self, running: str = "") -> Any:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise self._failed(f"did not end {running} within {_LONGEST:.0f} s") from error
        if not line:
            raise self._failed(f"ended while it ran {running}" if running else "ended")
        return json.loads(line)

    @property
    def pid(self) -> int:
        return self._launched.pid

    def end(self) -> None:
        """Fixtures of the session are torn down by itself."""
        if self._lines is not None:
            with suppress(OSError):
                self._lines.close()
        until = time.monotonic() + _GRACE
        while self._launched.poll() is None and time.monotonic() < until:
            time.sleep(_TICK)
        if self._launched.poll() is None:
            self._launched.stop(grace=_GRACE)

    def _failed(self, how: str) -> PerfkitError:
        code = self._launched.poll()
        how = f"{how}; it has ended with {code}" if code is not None else how
        said = last_words(self._output)
        return PerfkitError(
            f"the {self._side.name} {how}{': ' + said if said else ''}.",
            "--no-times compares counts alone, in processes of their own",
            NOT_MEASURED,
        )


@contextmanager
def living(sides: Sequence[Side], folder: Path, timeout: float) -> Iterator[list[LivingSuite]]:
    """Both, with the same hash seed; they start at once. Raises PerfkitError (5) where one does not come up."""
    begun = []
    try:
        for side in sides:
            begun.append(_begin(side, folder))
        for suite, listening in begun:
            suite.meet(listening, timeout)
        yield [suite for suite, _ in begun]
    finally:
        for suite, listening in begun:
            listening.close()
            suite.end()


def _begin(side: Side, folder: Path) -> tuple[LivingSuite, socket.socket]:
    address, output = folder / f"{side.name}.sock", folder / f"{side.name}-timed.log"
    for left in (address, output):
        left.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(address))
    listening.listen()
    return LivingSuite(
        side, Launched.start(side.seeded(0, output), _environment(side, str(address))), output
    ), listening


def _environment(side: Side, address: str) -> dict[str, str]:
    def before(name: str) -> str:
        return side.command.environ.get(name, os.environ.get(name, ""))

    return {
        "PERFKIT_TARGET_TURNS": address,
        "PERFKIT_GATE_SIDE": side.name,
        "PERFKIT_TARGET_PLUGINS": before("PYTEST_PLUGINS"),
        "PYTEST_PLUGINS": ",".join(filter(None, [before("PYTEST_PLUGINS"), _PLUGIN])),
        "PYTHONPATH": os.pathsep.join(filter(None, [PROBE_FOLDER, before("PYTHONPATH")])),
    }
