"""Counting: each side runs twice with the probe, with different hash seeds; what it did is counted, and recorded for the why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.analysis.served import named_by_url, served
from perfkit.analysis.unit_counts import count, count_tests, with_imports
from perfkit.errors import PerfkitError
from perfkit.model.gate import Counts
from perfkit.model.recording import Recording
from perfkit.model.target import Load, Workload
from perfkit.pipeline.gating import separation
from perfkit.pipeline.gating.answers import not_there, without
from perfkit.pipeline.gating.separation import Ran
from perfkit.pipeline.gating.sides import Side, last_words
from perfkit.pipeline.values import Options

NOT_MEASURED = 5
SEEDS = (1, 2)
# The first requests of each URL fill caches, open connections and import.
WARM_UP = 3
# Tests and URLs that a message names.
_NAMED = 3
_BY_HAND = "run it by hand first: perfkit run -- COMMAND"


@dataclass(frozen=True)
class Counting:
    """One side: what its processes counted, the recordings of that, and which endpoint each URL leads to. `tests` are those of a
    suite, with the seconds that each took; `ran` says from where its code came; `missing` are labels of URLs that it does not have."""

    side: Side
    counts: tuple[Counts, ...]
    recordings: tuple[Path, ...]
    units: Mapping[str, str]
    tests: Mapping[str, float] = field(default_factory=dict)
    ran: Ran = field(default_factory=Ran)
    missing: frozenset[str] = frozenset()


def counted(side: Side, folder: Path, repeats: int, timeout: float, *, older: bool = False) -> Counting:
    """Raises PerfkitError (5) where the workload fails on this side, or nothing could be counted. An older revision may lack some
    of the URLs."""
    counts, paths = [], []
    units: dict[str, str] = {}
    tests: dict[str, float] = {}
    ran = Ran()
    missing: frozenset[str] = frozenset()
    for seed in SEEDS:
        path = folder / f"{side.name}-{seed}.perfkit"
        recording = _run(side, seed, path, repeats, timeout)
        units = _units(recording)
        missing = not_there(recording, units) if older else missing
        _check(side, recording, missing)
        seen = with_imports(
            counts_of(recording, driven=bool(side.urls)), separation.imported(path.with_suffix("")), str(side.root)
        )
        counts.append(without(seen, {units[label] for label in missing}))
        ran = ran.and_also(separation.ran(path.with_suffix(""), recording))
        paths.append(path)
        tests = _tests(recording)
    return Counting(side, tuple(counts), tuple(paths), units, tests, ran, missing)


def counts_of(recording: Recording, *, driven: bool) -> Counts:
    """With `driven` of requests to a server. Where the probe saw no request, there is nothing counted of the URLs, which can still be timed. A test has no first time that
    would be left out: each runs once."""
    if not driven:
        suite = count_tests(recording)
        return suite if suite.repeats else count(recording)
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
    told = path.with_suffix("")
    told.mkdir()
    command = side.seeded(seed, output)
    command = replace(command, environ={**command.environ, separation.VARIABLE: str(told)})
    measured = measure(command, Options(workload=workload, project=(str(side.root),), counting=True), path)
    code = measured.outcome.exit_code
    if measured.interrupted:
        raise KeyboardInterrupt
    if measured.outcome.stopped_by == "target" and (code or side.urls):
        how = f"ended with {code}{_failing(measured.path)}" if code else "ended before it had answered all requests"
        raise _failed(side, f"{how}: {last_words(output) or 'it printed nothing'}")
    if measured.path is None or (side.urls and measured.failure is not None):
        failure = measured.failure
        why = failure.message.rstrip(".") if failure else "nothing was seen of it"
        raise _failed(side, f"could not be measured: {why}", failure.hint if failure else _BY_HAND)
    return named_by_url(load(measured.path))


def _check(side: Side, recording: Recording, missing: Set[str]) -> None:
    """What fails is no measure of speed."""
    sent = [one for one in recording.requests if one.source == "load" and one.endpoint not in missing]
    wrong = Counter((one.endpoint, one.status) for one in sent if not 200 <= one.status < 400)
    if side.urls and (wrong or not sent):
        told = [f"{label}: {n} × {status or 'no answer'}" for (label, status), n in sorted(wrong.items())]
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        raise _failed(side, f"does not answer as it should ({', '.join(told[:_NAMED]) or 'no requests'}{more})")


def _failing(path: Path | None) -> str:
    """Which tests of a suite failed."""
    from perfkit.recordings import load

    tests = [one for one in load(path).requests if one.kind == "test"] if path is not None else []
    names = [one.endpoint for one in tests if one.status >= 500]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f" in {', '.join(names[:_NAMED])}{more}" if names else ""


def check_separate(baseline: Counting, current: Counting) -> None:
    """Raises PerfkitError: 3 where both sides would be the same code, 5 where a URL is not there before, and its endpoint is."""
    for label in baseline.missing:
        if current.units[label] in {baseline.units[one] for one in baseline.units.keys() - baseline.missing}:
            raise _failed(baseline.side, f"does not have {label}, which {current.units[label]} answers now")
    separation.check(baseline.ran, current.ran, (baseline.side.root, current.side.root), baseline.side.expected)


def _failed(side: Side, why: str, hint: str = _BY_HAND) -> PerfkitError:
    return PerfkitError(f"the {side.name} {why}.", hint, NOT_MEASURED)


def _units(recording: Recording) -> dict[str, str]:
    """By the URL's label, the endpoint that the probe saw serve it."""
    votes: dict[str, Counter[str]] = {}
    for inside, sent in served(recording):
        votes.setdefault(sent.endpoint, Counter())[inside.endpoint] += 1
    return {
        label: votes[label].most_common(1)[0][0] if label in votes else label
        for label in {r.endpoint for r in recording.requests if r.source == "load"}
    }


def _tests(recording: Recording) -> dict[str, float]:
    """Seconds by name; of a test that ran more than once, the last time."""
    return {one.endpoint: one.seconds for one in recording.requests if one.kind == "test"}
