"""A log as an analysis: each statement is a stack of one frame, and owns the seconds that the database spent on it."""

from __future__ import annotations

from collections import Counter

from perfkit.model.analysis import Analysis, Slice, SpanUse, StackTime
from perfkit.model.recording import Frame, Gap, Recording
from perfkit.model.sqllog import Digest, SqlLog
from perfkit.shared import sqltext
from perfkit.shared.units import plural

_TITLE = 120
_SLICES = 5
_JUDGED = 1000  # statements whose verb is looked at; the others hardly take any time
# Parts of a log that nothing understood, beyond which its numbers are doubtful.
_MANY_UNPARSED = 0.01
_MICRO = 1e6


def analyse(recording: Recording) -> Analysis:
    """Executions, parsing and binding count; what they waited for locks is a part of them."""
    log = recording.log or SqlLog("")
    digests = sorted(log.digests.values(), key=lambda digest: (-_seconds(digest), digest.fingerprint))
    rows = [(digest, _stack(recording, digest)) for digest in digests]
    times = tuple(
        StackTime(stack, _seconds(digest), digest.time.count, None, 0, "span", {0: _seconds(digest)}, True)
        for digest, stack in rows
    )
    return Analysis(
        run=recording.run,
        kind="log",
        unit="database seconds",
        measured=sum(time.seconds for time in times),
        serving_seconds=recording.run.duration,
        startup_seconds=0.0,
        idle_seconds=0.0,
        background_seconds=0.0,
        stacks=recording.stacks,
        times=times,
        startup={},
        holders=(),
        blocked=(),
        gil_wait=0.0,
        endpoints=(),
        functions=(),
        slices=_slices(digests),
        processes=(),
        process_times=(),
        pressure=None,
        files=recording.files,
        sources=recording.sources,
        uses=tuple(_use(digest, stack) for digest, stack in rows),
        log=log,
        plans=recording.plans,
        not_planned=recording.not_planned,
        notes=tuple(_notes(log)),
        gaps=(*recording.gaps, *_gaps(log, digests)),
    )


def _seconds(digest: Digest) -> float:
    return (digest.time.total + digest.preparing) / _MICRO


def _stack(recording: Recording, digest: Digest) -> int:
    title = digest.fingerprint if len(digest.fingerprint) <= _TITLE else f"{digest.fingerprint[: _TITLE - 1]}…"
    # The file tells statements apart that are the same when they are shortened.
    return recording.stacks.intern((Frame(title, f"<sql {sqltext.fingerprint_id(digest.fingerprint)}>", 0, "native"),))


def _use(digest: Digest, stack: int) -> SpanUse:
    time = digest.time
    return SpanUse(
        kind="sql",
        text=digest.fingerprint,
        sample=digest.worst.text if digest.worst else digest.fingerprint,
        system=digest.system,
        endpoint=None,
        stack=stack,
        count=time.count,
        seconds=_seconds(digest),
        spent=time.seconds,
        percentiles=(time.quantile(0.50), time.quantile(0.95), time.quantile(0.99), time.largest / _MICRO),
        rows=digest.rows_sent,
        fetch=0.0,
        counts={},
        distinct=digest.values,
        parent=next((name for name, _ in digest.repeats.parents.most_common(1)), None),
    )


def _slices(digests: list[Digest]) -> tuple[Slice, ...]:
    """By the statement's verb."""
    seconds: Counter[str] = Counter()
    for digest in digests[:_JUDGED]:
        seconds[sqltext.verb(digest.fingerprint, digest.system)] += _seconds(digest)  # type: ignore[assignment]
    whole = sum(map(_seconds, digests))
    if not whole:
        return ()
    shown = [(verb, part) for verb, part in seconds.most_common(_SLICES) if verb != "other"]
    rest = whole - sum(part for _, part in shown)
    slices = [Slice(verb, part / whole) for verb, part in shown]
    return (*slices, Slice("other", rest / whole)) if rest > 0.005 * whole else tuple(slices)


def _notes(log: SqlLog) -> list[str]:
    notes = list(log.remarks)
    if log.lines and not log.events:
        notes.append(
            "No execution with a duration was found: the database must log them (log_min_duration_statement, slow_query_log), "
            "and PostgreSQL in English (lc_messages = 'C')."
        )
    if log.unparsed:
        share = log.unparsed / max(1, log.lines)
        part = f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
        text = f"{plural(log.unparsed, 'line')} of {log.lines:,} could not be read ({part})"
        notes.append(f"{text}: numbers may be too low." if share > _MANY_UNPARSED else f"{text}.")
    if log.filtered:
        notes.append(f"{plural(log.filtered, 'execution')} were left out, as asked.")
    return notes


def _gaps(log: SqlLog, digests: list[Digest]) -> list[Gap]:
    gaps = []
    if digests and all(digest.rows_sent is None for digest in digests):
        gaps.append(
            Gap("rows read and sent", "this log does not count them", "perfkit explain shows what a plan reads")
        )
    if not any(digest.time.total for digest in digests) and digests:
        gaps.append(
            Gap(
                "what statements took",
                "this log has no durations",
                "log them in the database: log_min_duration_statement",
            )
        )
    return gaps
