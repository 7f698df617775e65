"""One gate: the baseline is checked out, both sides are counted and timed, and what was found is judged and explained."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.gate import budgets, stores
from perfkit.gate.paired import Rules
from perfkit.gate.revisions import baseline
from perfkit.model.finding import Severity, Silence
from perfkit.model.gate import Breach, Budget, Verdict
from perfkit.model.target import Command
from perfkit.pipeline.gating.counting import Counting, check_separate, counted
from perfkit.pipeline.gating.explaining import Explaining
from perfkit.pipeline.gating.judging import Against, compare, peaks, verdict_of, waits
from perfkit.pipeline.gating.sides import Side, both
from perfkit.pipeline.gating.timing import Timed, timed, wall_rules
from perfkit.pipeline.gating.turns import Turns

Say = Callable[[str], None]


@dataclass(frozen=True)
class GateOptions:
    """What to compare and how. `repeats` requests of each URL are counted, `seconds` may be spent on timing."""

    baseline: str
    urls: tuple[str, ...] = ()
    ready: str | None = None
    ready_timeout: float = 60.0
    copied: tuple[str, ...] = ()
    environment: str = "auto"
    repeats: int = 20
    seconds: float = 300.0
    rules: Rules = field(default_factory=Rules)
    budgets: tuple[Budget, ...] = ()
    times: bool = True
    new_findings: Severity | None = None
    silences: tuple[Silence, ...] = ()


def gate(command: Command, options: GateOptions, say: Say = lambda text: None) -> Verdict:
    """Raises PerfkitError: 3 without a baseline to compare with, 5 where the workload fails or nothing was measured."""
    folder = Path(command.cwd)
    kept = stores.find(folder, options.baseline)
    if kept is not None:
        from perfkit.pipeline.gating.stored import against  # which needs what this module has

        return against(command, options, kept, say)
    revision = baseline(folder, options.baseline)
    with (
        tempfile.TemporaryDirectory(prefix="perfkit-gate-") as place,
        both(command, revision, options.urls, options.ready, options.copied, options.environment, say) as sides,
    ):
        folder = Path(place)
        before, after = _counted(sides, folder, options, say)
        compared = compare(before.counts, after.counts, options)
        units = compared.units
        timed_, notes = _timed(sides, (before, after), units, folder, options, say) if options.times else ({}, ())
        new: list[Breach] = []
        if options.new_findings is not None:
            from perfkit.pipeline.gating.new_findings import new_findings

            new = new_findings(sides, options.new_findings, options.silences, folder, options.ready_timeout, say)
        levels = [*waits(timed_), *peaks(before.recordings, after.recordings)]
        said = verdict_of(compared, options, timed_, levels, Against.revision(revision), new)
        why = Explaining(revision, (before, after), folder, options.ready_timeout, say)
        breaches = why.explained(said.breaches)
        return replace(
            said, breaches=breaches, notes=(*said.notes, *notes, *sides[0].notes), sampled=tuple(why.sampled)
        )


def _counted(sides: tuple[Side, Side], folder: Path, options: GateOptions, say: Say) -> tuple[Counting, Counting]:
    done = []
    for side, older in zip(sides, (True, False), strict=True):
        say(f"counting the {side.name}")
        done.append(counted(side, folder, options.repeats, options.ready_timeout, older=older))
    check_separate(*done)
    return done[0], done[1]


def _timed(
    sides: tuple[Side, Side],
    countings: tuple[Counting, Counting],
    units: Sequence[str],
    folder: Path,
    options: GateOptions,
    say: Say,
) -> tuple[dict[str, Timed], tuple[str, ...]]:
    """By unit, and what is to be said of those that were not timed."""

    def told(unit: str, pair: int, of: int) -> None:
        say(f"timing {unit}: pair {pair}, {of} undecided")

    with turns(sides, countings, folder, options) as living:
        began = time.monotonic()
        say("timing")
        units = living.chosen(units)
        rules = {unit: _rules(unit, options) for unit in units}
        return timed(living, units, rules, options.seconds - (time.monotonic() - began), told), living.notes


@contextmanager
def turns(
    sides: tuple[Side, Side], countings: tuple[Counting, Counting], folder: Path, options: GateOptions
) -> Iterator[Turns]:
    """Both sides, ready to take turns; stopped at the end."""
    if options.urls:
        from perfkit.pipeline.gating.servers import Servers

        with Servers(sides, [counting.units for counting in countings], folder, options.ready_timeout) as servers:
            yield servers
    elif all(counting.tests for counting in countings):
        from perfkit.pipeline.gating.suites import Suites

        named = {budget.units for budget in options.budgets if budget.metric in budgets.TIMED}
        with Suites(sides, folder, options.ready_timeout, options.seconds, named) as suites:
            yield suites
    else:
        from perfkit.pipeline.gating.scripts import Scripts

        yield Scripts(sides, folder)


def _rules(unit: str, options: GateOptions) -> tuple[Rules, Rules]:
    """A budget of a share above the baseline is what must be exceeded to fail; what is not worth failing is not looked for."""
    cpu, wall = options.rules, wall_rules(options.rules)
    return _with_budget(cpu, options, unit, "cpu"), _with_budget(wall, options, unit, "wall")


def _with_budget(rules: Rules, options: GateOptions, unit: str, clock: str) -> Rules:
    limit = budgets.of_unit(options.budgets, unit, clock)
    if limit is None or not limit.relative:
        return rules
    gap = rules.resolution - rules.least
    return replace(rules, least=limit.limit, resolution=limit.limit + gap)
