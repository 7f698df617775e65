"""Stored baselines: the work tree alone is run and counted; a baseline to keep, or a verdict against one that was kept, goes out.

Times are not compared: what another machine, or this one at another moment, took says nothing of a change.
"""

from __future__ import annotations

import platform
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from perfkit.analysis.served import named_by_url
from perfkit.errors import USAGE, PerfkitError
from perfkit.gate import accepted, baselines, budgets, stores
from perfkit.gate.counts import keys_of
from perfkit.gate.revisions import NOT_COMPARABLE, Revision, clean_head, commit, root_of
from perfkit.model.gate import Baseline, Counts, Verdict
from perfkit.model.recording import Recording
from perfkit.model.target import Command
from perfkit.pipeline.gating.counting import NOT_MEASURED, Counting, counted, counts_of
from perfkit.pipeline.gating.explaining import changed_place, dated
from perfkit.pipeline.gating.gate import GateOptions, Say, turns
from perfkit.pipeline.gating.judging import Against, compare, verdict_of
from perfkit.pipeline.gating.sides import alone
from perfkit.recordings import load

# Pairs of turns of the same code for the seconds that a history shows.
_PAIRS = 4
# What only a gate counts.
_NOT_RECORDED = frozenset({"imports"})


def keep_baseline(
    command: Command, options: GateOptions, folder: Path, where: str | None, say: Say = lambda text: None
) -> str:
    """Records it, and says where it was kept: `notes`, a file, or a folder. Raises PerfkitError."""
    return stores.keep(folder, where or baselines.FILE, record(command, options, say))


def record(command: Command, options: GateOptions, say: Say = lambda text: None) -> Baseline:
    """Raises PerfkitError (5) where the workload fails, or nothing was counted."""
    with _counted(command, options, say) as (counting, folder):
        if all(key.what in ("imports", "import") for key in keys_of(counting.counts)):
            raise PerfkitError(
                "nothing was counted: no statement, connection or commit.",
                "compare two revisions instead, times and all: perfkit gate --baseline REF -- COMMAND",
                NOT_MEASURED,
            )
        return replace(
            _baseline(load(counting.recordings[0]), Path(command.cwd)),
            counts=counting.counts,
            command=" ".join(command.argv),
            cpu=_seconds(command, counting, folder, options, say) if options.times and options.urls else {},
            machine=_machine(),
        )


def against(command: Command, options: GateOptions, stored: stores.Stored, say: Say = lambda text: None) -> Verdict:
    """Raises PerfkitError: 2 for what needs both revisions, 3 where the baseline cannot be compared with, 5 where the workload fails
    or nothing was counted."""
    if options.new_findings is not None:
        raise PerfkitError(
            "--new-findings needs both revisions, and a baseline that was kept has no findings.",
            "give a revision: --baseline main",
            USAGE,
        )
    baseline = stored.baseline or _of_recording(stored, options)
    options = replace(options, times=False)
    with _counted(command, options, say) as (counting, _):
        now = _baseline(load(counting.recordings[0]), Path(command.cwd))
        if baseline.python != now.python:
            raise PerfkitError(
                f"{stored.name} was recorded under Python {baseline.python}, and this is {now.python}: their counts differ by themselves.",
                "record it again under this one: perfkit gate record -- COMMAND",
                NOT_COMPARABLE,
            )
        left_out = baselines.SUMS_ONLY if stored.recording is None else baselines.SUMS_ONLY | _NOT_RECORDED
        compared = compare(_without(baseline.counts, left_out), _without(counting.counts, left_out), options)
        root = _root(Path(command.cwd))
        said = verdict_of(
            compared,
            options,
            {},
            [],
            Against(
                baseline=stored.name,
                current="the work tree",
                root=root,
                commit=baseline.commit,
                accepted=accepted.since(root, baseline.commit),
                notes=_notes(baseline, now, options),
            ),
        )
        since = None if baseline.commit is None else commit(root, baseline.commit)
        if since is None:
            return said
        revision = Revision(root, stored.name, since, own=False, dirty=True)
        seen = counting.recordings[0]
        return replace(
            said, breaches=tuple(dated(revision, changed_place(revision, one, seen)) for one in said.breaches)
        )


def _without(side: Sequence[Counts], left_out: AbstractSet[str]) -> list[Counts]:
    """Without what the baseline does not keep, which would seem to have come to 0."""
    return [replace(one, totals={key: n for key, n in one.totals.items() if key.what not in left_out}) for one in side]


@contextmanager
def _counted(command: Command, options: GateOptions, say: Say) -> Iterator[tuple[Counting, Path]]:
    side = alone(command, _root(Path(command.cwd)), options.urls, options.ready)
    with tempfile.TemporaryDirectory(prefix="perfkit-gate-") as place:
        say("counting")
        yield counted(side, Path(place), options.repeats, options.ready_timeout), Path(place)


def _root(folder: Path) -> Path:
    """Outside of a repository, the folder itself."""
    try:
        return root_of(folder)
    except PerfkitError:
        return folder


def _of_recording(stored: stores.Stored, options: GateOptions) -> Baseline:
    """Requests of a recording are counted like those of a gate; it has no second process to tell what is flaky."""
    assert stored.recording is not None
    recording = named_by_url(load(stored.recording))
    counts = counts_of(recording, driven=bool(options.urls))
    if not counts.totals:
        raise PerfkitError(
            f"{stored.name} has no counts: it was recorded without the probe, or for too short a time.",
            "record one: perfkit gate record -- COMMAND",
            NOT_COMPARABLE,
        )
    return replace(_baseline(recording, None), counts=(counts,), commit=recording.run.commit)


def _baseline(recording: Recording, folder: Path | None) -> Baseline:
    versions = Counter(".".join(one.python.split(".")[:2]) for one in recording.processes if one.python)
    return Baseline(
        counts=(),
        python=versions.most_common(1)[0][0] if versions else "",
        system=f"{platform.system()}-{platform.machine()}".lower(),
        command=recording.run.command,
        commit=clean_head(folder) if folder else None,
    )


def _notes(baseline: Baseline, now: Baseline, options: GateOptions) -> tuple[str, ...]:
    notes = ["times are not compared with a baseline that was stored: give a revision, and both are run in turn"]
    if baseline.system != now.system and baseline.system:
        notes.append(f"it was recorded on {baseline.system}, this is {now.system}: counts hold there as well")
    named = sorted({one.metric for one in options.budgets if one.metric not in budgets.COUNTED})
    if named:
        notes.append(f"not judged: the budgets of {', '.join(named)}")
    return tuple(notes)


def _seconds(command: Command, counting: Counting, folder: Path, options: GateOptions, say: Say) -> dict[str, float]:
    """CPU of one request, by endpoint."""
    units = sorted(set(counting.units.values()))
    twin = replace(alone(command, counting.side.root, options.urls, options.ready), name="twin")
    with turns((counting.side, twin), (counting, counting), folder, options) as living:
        living.begin(units)
        found = {}
        for unit in units:
            say(f"timing {unit}")
            pairs = [living.pair(unit, number) for number in range(_PAIRS)]
            found[unit] = median(turn.cpu for pair in pairs for turn in pair)
    return found


def _machine() -> str:
    """What tells machines of different speed apart."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")
    return name or platform.machine()
