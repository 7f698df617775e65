"""Two living suites that take turns: some repeats of a test in one, as many in the other, over and over."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean

from perfkit.errors import PerfkitError
from perfkit.pipeline.gating.counting import NOT_MEASURED
from perfkit.pipeline.gating.living_suite import LivingSuite, NotAgainError, living
from perfkit.pipeline.gating.one_cpu import OneCpu
from perfkit.pipeline.gating.sides import Side
from perfkit.pipeline.gating.suite_plan import TURN, Tried, plan, turns_of
from perfkit.pipeline.gating.turns import NotRepeatableError, Turn, Turns, together
from perfkit.shared.units import plural

# The second time shows what cannot be repeated, and has no imports to make.
_TRIES = 2
# The part of the time that may be spent on finding out what to time.
_TRYING = 0.2
_MOST = 200
_WARM = 2
# Tests that a note names.
_NAMED = 5


class Suites(Turns):
    """Both. They are started anew now and then, as servers are."""

    def __init__(
        self, sides: Sequence[Side], folder: Path, timeout: float, seconds: float, named: Collection[str]
    ) -> None:
        """`named` are tests of which a budget asks for times."""
        self._sides, self._folder, self._timeout = sides, folder, timeout
        self._seconds, self._named = seconds, named
        self._running = ExitStack()
        self._living: list[LivingSuite] = []
        self._tests: dict[str, tuple[str, ...]] = {}
        self._repeats: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._not_again: dict[str, str] = {}
        self._short = self._no_time = 0
        self._cpu = OneCpu()

    def __enter__(self) -> Suites:
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()
        self._cpu.leave()

    @property
    def notes(self) -> tuple[str, ...]:
        found = []
        if self._not_again:
            names = list(self._not_again)
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            found.append(
                f"counted and not timed, because they fail when they are repeated in one process: "
                f"{', '.join(names[:_NAMED])}{more} ({self._not_again[names[0]]})"
            )
        if self._short:
            found.append(f"{plural(self._short, 'test')} counted and not timed: too short, even together")
        if self._no_time:
            found.append(f"{plural(self._no_time, 'test')} counted and not timed: --seconds is too short for them")
        return tuple(found)

    def chosen(self, units: Sequence[str]) -> tuple[str, ...]:
        """Tests in, and what is timed of them out. Raises PerfkitError (5) where none can be repeated."""
        self._start()
        began = time.monotonic()
        tried: dict[str, Tried] = {}
        for test in units:
            if time.monotonic() - began > _TRYING * self._seconds:
                break
            try:
                tried[test] = self._tried(test)
            except NotAgainError as failure:
                self._not_again[failure.test] = failure.why
        if not tried and self._not_again:
            test, why = next(iter(self._not_again.items()))
            raise PerfkitError(
                f"no test can be repeated in a process that lives on: {test} fails ({why}).",
                "--no-times compares counts alone; what both sides share can be named by $PERFKIT_GATE_SIDE",
                NOT_MEASURED,
            )
        found = plan(tried, self._seconds - (time.monotonic() - began), self._named)
        self._tests, self._short = found.units, found.short
        self._no_time = found.no_time + len(units) - len(tried) - len(self._not_again)
        if self._no_time and not self._tests and not self._short:
            raise PerfkitError(
                f"no test could be timed within {self._seconds:.0f} s.",
                "give more --seconds, or --no-times to compare counts alone",
                NOT_MEASURED,
            )
        return tuple(self._tests)

    def _tried(self, test: str) -> Tried:
        ran = [one.run([test], _TRIES) for one in self._living]
        return Tried(max(one.cpu[-1] for one in ran), max(one.elapsed for one in ran) / _TRIES)

    def begin(self, units: Sequence[str]) -> None:
        self._start()
        for unit in units:
            self._warm_up(unit)
        self._cpu.share(one.pid for one in self._living)

    def _start(self) -> None:
        self._running.close()
        self._cpu.leave()
        self._living = self._running.enter_context(living(self._sides, self._folder, self._timeout))

    def _warm_up(self, unit: str) -> None:
        """What a first time does, and how many repeats make up a turn. What cannot be repeated is found again by `pair`."""
        try:
            elapsed = min(one.run(self._tests[unit], _WARM).elapsed / _WARM for one in self._living)
        except NotAgainError:
            return
        repeats = self._repeats.setdefault(unit, max(1, min(_MOST, round(TURN / max(elapsed, 1e-6)))))
        self._turns.setdefault(unit, turns_of(elapsed * repeats))

    def pair(self, unit: str, number: int) -> tuple[Turn, Turn]:
        """(baseline, current); who begins changes each time. Raises NotRepeatableError where none of the unit's tests can be."""
        taken: dict[LivingSuite, list[Turn]] = {one: [] for one in self._living}
        try:
            for at in range(number, number + self._turns.get(unit, 1)):
                for one in self._living if at % 2 else self._living[::-1]:
                    taken[one].append(self._turn(one, unit))
        except NotAgainError as failure:
            return self._without(failure, unit, number)
        baseline, current = (together(taken[one]) for one in self._living)
        return baseline, current

    def _turn(self, suite: LivingSuite, unit: str) -> Turn:
        ran = suite.run(self._tests[unit], self._repeats.get(unit, 1))
        return Turn(fmean(ran.cpu), fmean(ran.wall), ran.wall)

    def _without(self, failure: NotAgainError, unit: str, number: int) -> tuple[Turn, Turn]:
        self._not_again[failure.test] = failure.why
        self._tests[unit] = tuple(test for test in self._tests[unit] if test != failure.test)
        if not self._tests[unit]:
            raise NotRepeatableError(unit)
        return self.pair(unit, number)
