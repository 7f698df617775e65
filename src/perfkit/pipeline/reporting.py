"""From a recording on disk to a report: recording → analysis → findings → report → text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal, overload

from perfkit.model.finding import Silence
from perfkit.model.recording import Recording, Run
from perfkit.model.report import Accounting, Report


def report_of(path: Path, silences: Sequence[Silence] = (), today: date | None = None) -> Report:
    """The report of a recording on disk; the same recording gives the same report, except for silences that expire."""
    from perfkit.recordings import load

    return report_on(load(path), silences, today)


def report_on(recording: Recording, silences: Sequence[Silence] = (), today: date | None = None) -> Report:
    from perfkit.analysis import analyse
    from perfkit.findings import judge
    from perfkit.reports.headline import headline

    analysis = analyse(recording)
    verdicts = judge(analysis, silences, today)
    analysis = replace(analysis, notes=(*analysis.notes, *verdicts.remarks), sites=verdicts.sites)
    return Report(
        headline=headline(analysis, verdicts.findings, verdicts.silenced),
        analysis=analysis,
        findings=verdicts.findings,
        memory=verdicts.memory,
        silenced=verdicts.silenced,
        silenced_memory=verdicts.silenced_memory,
        checks=verdicts.checks,
        accounting=Accounting(analysis.measured, verdicts.explained, analysis.measured - verdicts.explained),
        gaps=analysis.gaps,
        recording=recording.path,
        overhead=_overhead(analysis.run),
    )


def _overhead(run: Run) -> float | None:
    """Of one core; None where nothing was sampled."""
    return run.sampler_cpu / run.duration if run.duration and run.mode != "sql" else None


@overload
def render(
    report: Report,
    format: Literal["terminal", "concise", "json", "markdown", "html"],
    *,
    color: bool = False,
    width: int = 90,
    unicode: bool = True,
    top: int | None = None,
    sort: str = "total",
) -> str: ...
@overload
def render(
    report: Report,
    format: str,
    *,
    color: bool = False,
    width: int = 90,
    unicode: bool = True,
    top: int | None = None,
    sort: str = "total",
) -> str | bytes: ...
def render(
    report: Report,
    format: str,
    *,
    color: bool = False,
    width: int = 90,
    unicode: bool = True,
    top: int | None = None,
    sort: str = "total",
) -> str | bytes:
    """A report in one of the formats: text, or bytes where it is binary. Raises PerfkitError for an unknown format."""
    from perfkit.recordings import load
    from perfkit.reports import FORMATS, NEED_RECORDING, RenderOptions

    recording = load(Path(report.recording)) if format in NEED_RECORDING and report.recording else None
    return FORMATS.load(format)(report, RenderOptions(color, width, unicode, top, sort, recording))


def with_links(report: Report, html: str | None) -> Report:
    return replace(report, html=html)
