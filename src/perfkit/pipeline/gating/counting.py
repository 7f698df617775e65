"""Counting: each side runs twice with the probe, with different hash seeds; what it did is counted, and recorded for the why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfkit.analysis.unit_counts import count
from perfkit.errors import PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.model.gate import Counts
from perfkit.model.recording import Recording
from perfkit.model.target import Load, Workload
from perfkit.pipeline.gating.sides import Side, last_words
from perfkit.pipeline.values import Options

NOT_MEASURED = 5
SEEDS = (1, 2)
# The first requests of each URL fill caches, open connections and import.
WARM_UP = 3


@dataclass(frozen=True)
class Counting:
    """One side: what its processes counted, the recordings of that, and which endpoint each URL leads to."""

    side: Side
    counts: tuple[Counts, ...]
    recordings: tuple[Path, ...]
    units: Mapping[str, str]


def counted(side: Side, folder: Path, repeats: int, timeout: float) -> Counting:
    """Raises PerfkitError (5) where the workload fails on this side, or nothing could be counted."""
    counts, paths = [], []
    units: dict[str, str] = {}
    for seed in SEEDS:
        path = folder / f"{side.name}-{seed}.perfkit"
        recording = _run(side, seed, path, repeats, timeout)
        counts.append(_count(side, recording))
        paths.append(path)
        units = _units(recording)
    return Counting(side, tuple(counts), tuple(paths), units)


def _count(side: Side, recording: Recording) -> Counts:
    """Where the probe saw no request, there is nothing counted of the URLs, which can still be timed."""
    if not side.urls:
        return count(recording)
    seen = count(recording, WARM_UP)
    return seen if seen.repeats else Counts({}, dict.fromkeys(_units(recording).values(), 0))


def _run(side: Side, seed: int, path: Path, repeats: int, timeout: float) -> Recording:
    from perfkit.pipeline.measuring import measure
    from perfkit.recordings import load

    output = path.with_suffix(".log")
    requests = (WARM_UP + repeats) * len(side.urls)
    workload = (
        Workload(Load(side.urls, requests, 1), ready=side.ready, ready_timeout=timeout) if side.urls else Workload()
    )
    measured = measure(
        side.seeded(seed, output), Options(workload=workload, project=(str(side.root),), counting=True), path
    )
    code = measured.outcome.exit_code
    if measured.outcome.stopped_by == "signal":
        raise KeyboardInterrupt
    if measured.outcome.stopped_by == "target" and (code or side.urls):
        how = f"ended with {code}" if code else "ended before it had answered all requests"
        raise _failed(side, f"{how}: {last_words(output) or 'it printed nothing'}")
    if measured.path is None or (side.urls and measured.failure is not None):
        failure = measured.failure
        raise _failed(
            side, f"could not be measured: {failure.message.rstrip('.') if failure else 'nothing was seen of it'}"
        )
    recording = load(measured.path)
    _check(side, recording)
    return recording


def _check(side: Side, recording: Recording) -> None:
    """What fails is no measure of speed, and what comes from the other side's files is none of this one."""
    answers = Counter(request.status for request in recording.requests if request.source == "load")
    wrong = {status: n for status, n in answers.items() if not 200 <= status < 400}
    if side.urls and (wrong or not answers):
        shown = ", ".join(f"{n} × {status or 'no answer'}" for status, n in sorted(wrong.items())) or "no requests"
        raise _failed(side, f"does not answer as it should ({shown})")


def imported_from(recording: Recording, root: Path, other: Path) -> str | None:
    """A file of the `other` side that this one ran; None where all its own code lies below `root`."""
    for file in recording.files:
        path = Path(file)
        installed = any(part in ("site-packages", "dist-packages") for part in path.parts)
        if path.is_relative_to(other) and not path.is_relative_to(root) and not installed:
            return file
    return None


def check_separate(baseline: Counting, current: Counting) -> None:
    """Raises PerfkitError (3) where the baseline imports the checkout: both sides would be the same code."""
    from perfkit.recordings import load

    for path in baseline.recordings:
        file = imported_from(load(path), baseline.side.root, current.side.root)
        if file is not None:
            raise PerfkitError(
                f"the baseline runs {file}, which is the checkout's: both revisions would be the same code.",
                "install the project as editable, or name its folder in PYTHONPATH, so that perfkit can name the baseline's",
                NOT_COMPARABLE,
            )


def _failed(side: Side, why: str) -> PerfkitError:
    return PerfkitError(f"the {side.name} {why}.", "run it by hand first: perfkit run -- COMMAND", NOT_MEASURED)


def _units(recording: Recording) -> dict[str, str]:
    """By the URL's label, the endpoint that the probe saw serve it; one client sends one request at a time."""
    inside = sorted((r for r in recording.requests if r.source == "probe"), key=lambda r: r.start)
    votes: dict[str, Counter[str]] = {}
    at = 0
    for sent in sorted((r for r in recording.requests if r.source == "load"), key=lambda r: r.start):
        while at < len(inside) and inside[at].start < sent.start:
            at += 1
        if at < len(inside) and inside[at].start <= sent.start + sent.seconds:
            votes.setdefault(sent.endpoint, Counter())[inside[at].endpoint] += 1
    return {
        label: votes[label].most_common(1)[0][0] if label in votes else label
        for label in {r.endpoint for r in recording.requests if r.source == "load"}
    }
