"""One gate: the baseline is checked out, both sides are counted and timed, and what was found is judged and explained."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.gate import budgets, counts, levels, verdict
from perfkit.gate.levels import Level
from perfkit.gate.paired import Rules
from perfkit.gate.revisions import Revision, baseline
from perfkit.model.gate import Breach, Budget, CountJudged, Undecided, Verdict
from perfkit.model.target import Command
from perfkit.pipeline.gating.counting import NOT_MEASURED, Counting, check_separate, counted
from perfkit.pipeline.gating.explaining import Explaining
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
    repeats: int = 20
    seconds: float = 300.0
    rules: Rules = field(default_factory=Rules)
    budgets: tuple[Budget, ...] = ()
    times: bool = True


def gate(command: Command, options: GateOptions, say: Say = lambda text: None) -> Verdict:
    """Raises PerfkitError: 3 without a baseline to compare with, 5 where the workload fails or nothing was measured."""
    revision = baseline(Path(command.cwd), options.baseline)
    with (
        tempfile.TemporaryDirectory(prefix="perfkit-gate-") as place,
        both(command, revision, options.urls, options.ready, options.copied) as sides,
    ):
        folder = Path(place)
        before, after = _counted(sides, folder, options, say)
        judged = counts.judge(before.counts, after.counts)
        units = sorted(counts.units(before.counts) & counts.units(after.counts))
        named = counts.units(before.counts) | counts.units(after.counts)
        budgets.check(options.budgets, named)
        if not judged and not options.times:
            raise PerfkitError(
                "nothing was counted: no statement, connection or commit on either side.",
                "leave out --no-times, so that times are compared",
                NOT_MEASURED,
            )
        timed_ = _timed(sides, (before, after), units, folder, options, say) if options.times and units else {}
        found = [*_waits(timed_), *_peaks(before, after)]
        said = _verdict(revision, options, judged, timed_, found, (before, after))
        why = Explaining(revision, (before, after), folder, options.ready_timeout, say)
        return replace(said, breaches=why.explained(said.breaches))


def _counted(sides: tuple[Side, Side], folder: Path, options: GateOptions, say: Say) -> tuple[Counting, Counting]:
    done = []
    for side in sides:
        say(f"counting the {side.name}")
        done.append(counted(side, folder, options.repeats, options.ready_timeout))
    check_separate(*done)
    return done[0], done[1]


def _timed(
    sides: tuple[Side, Side],
    countings: tuple[Counting, Counting],
    units: Sequence[str],
    folder: Path,
    options: GateOptions,
    say: Say,
) -> dict[str, Timed]:
    rules = {unit: _rules(unit, options) for unit in units}

    def told(unit: str, pair: int, of: int) -> None:
        say(f"timing {unit}: pair {pair}, {of} undecided")

    with turns(sides, countings, folder, options) as living:
        return timed(living, units, rules, options.seconds, told)


@contextmanager
def turns(
    sides: tuple[Side, Side], countings: tuple[Counting, Counting], folder: Path, options: GateOptions
) -> Iterator[Turns]:
    """Both sides, ready to take turns; stopped at the end."""
    if options.urls:
        from perfkit.pipeline.gating.servers import Servers

        with Servers(sides, [counting.units for counting in countings], folder, options.ready_timeout) as servers:
            yield servers
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


def _waits(timed_: Mapping[str, Timed]) -> Iterator[Level]:
    for unit, found in timed_.items():
        yield from levels.of_waits(unit, [(b.waits, c.waits) for b, c in found.pairs])


def _peaks(before: Counting, after: Counting) -> Iterator[Level]:
    """Of the process tree: PSS counts shared pages once."""
    from perfkit.analysis.machine import process_times
    from perfkit.recordings import load

    peaks = [
        [sum(one.peak_pss or one.peak_rss for one in process_times(load(path))) for path in side.recordings]
        for side in (before, after)
    ]
    if all(peak for side in peaks for peak in side):
        yield levels.of_peaks("*", *peaks)


def _verdict(
    revision: Revision,
    options: GateOptions,
    judged: tuple[CountJudged, ...],
    timed_: Mapping[str, Timed],
    found: Sequence[Level],
    sides: tuple[Counting, Counting],
) -> Verdict:
    limits = (*budgets.DEFAULTS, *options.budgets)
    times = [one for unit in timed_.values() for one in (unit.cpu, unit.wall) if one is not None]
    breaches: list[Breach] = []
    undecided: list[Undecided] = []
    for more, open_ in (verdict.counts(judged, limits), verdict.times(times, limits), verdict.levels(found, limits)):
        breaches += more
        undecided += open_
    undecided += _not_judged(options, judged)
    before, after = (counts.units(side.counts) for side in sides)
    if not before & after:
        raise PerfkitError(
            "the two revisions have no endpoint in common: nothing can be compared.",
            "give --load URLs that both have",
            3,
        )
    return Verdict(
        answer=verdict.answer(breaches, undecided),
        baseline=f"{revision.name} ({revision.short})",
        current="the work tree" if revision.dirty else "HEAD",
        breaches=tuple(breaches),
        undecided=tuple(undecided),
        times=tuple(times),
        counts=judged,
        units=tuple(sorted(before & after)),
        root=str(revision.root),
        perfkit_version=__version__,
        vanished=tuple(sorted(before - after)),
        appeared=tuple(sorted(after - before)),
        notes=_notes(revision, options),
    )


def _not_judged(options: GateOptions, judged: Sequence[CountJudged]) -> list[Undecided]:
    """Budgets for what could not be counted guard nothing, which must not look like a pass."""
    if judged or not options.urls:
        return []
    why = "the probe saw no request: it knows neither the server nor the framework"
    return [Undecided(one.units, "counts", why) for one in options.budgets if one.metric in budgets.COUNTED]


def _notes(revision: Revision, options: GateOptions) -> tuple[str, ...]:
    notes = []
    if revision.own and not revision.dirty:
        notes.append(f"the baseline is the commit that is checked out: {revision.name} was compared with itself")
    if not options.times and any(one.metric in budgets.TIMED for one in options.budgets):
        notes.append("budgets of times were not judged: --no-times")
    return tuple(notes)
