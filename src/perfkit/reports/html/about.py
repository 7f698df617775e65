"""HTML report: a report comes in, "About this run" goes out: accounting, gaps, circumstances, processes."""

from __future__ import annotations

from perfkit.model.analysis import Analysis
from perfkit.model.report import Report
from perfkit.reports import phrases
from perfkit.reports.html.markup import Column, code, definitions, section, table, text
from perfkit.reports.html.summary import started
from perfkit.reports.html.tables import processes
from perfkit.shared import units


def about(report: Report) -> str:
    return section(
        "about", "About this run", _accounting(report), _gaps(report), _run(report), processes(report.analysis)
    )


def _accounting(report: Report) -> str:
    total = report.accounting
    parts = (
        ("Explained by findings", total.explained),
        ("Unexplained", total.unexplained),
        ("Measured", total.measured),
    )
    rows = [
        [text(label), units.seconds(value), units.share(value / total.measured) if total.measured > 0 else "–"]
        for label, value in parts
    ]
    columns = [Column(report.analysis.unit.capitalize()), Column("Time", number=True), Column("Share", number=True)]
    return f"<h3>Accounting</h3>\n{table('Accounting', columns, rows)}"


def _gaps(report: Report) -> str:
    rows = [[text(gap.what), text(gap.why), text(gap.remedy)] for gap in phrases.gaps(report)]
    columns = [Column("Not measured"), Column("Why"), Column("Remedy")]
    return f"<h3>What was not measured</h3>\n{table('What was not measured', columns, rows)}" if rows else ""


def _run(report: Report) -> str:
    analysis, run = report.analysis, report.analysis.run
    pairs = [
        ("Command", code(run.command)),
        ("Engine", f"{text(run.engine)}, {_mode(report)}" if run.mode != "sql" else ""),
        ("Started", f"{started(report)}, ran {units.seconds(run.duration)}"),
        ("Time kept apart", _apart(analysis)),
        ("Samples", _samples(analysis)),
        ("Requests", _requests(analysis)),
        ("Workload", code(run.workload) if run.workload else ""),
        ("Excluded", ", ".join(code(pattern) for pattern in run.exclude)),
        (
            "Overhead",
            _overhead(report),
        ),
        ("Machine", _machine(analysis)),
        ("Directory", code(run.cwd)),
        ("Project", ", ".join(code(root) for root in run.project)),
        ("Commit", code(run.commit) if run.commit else ""),
        ("Ended", _ending(report)),
        ("Recording", code(report.recording) if report.recording else ""),
        ("perfkit", text(run.perfkit_version)),
    ]
    return f"<h3>Circumstances</h3>\n{definitions(pairs)}"


def _overhead(report: Report) -> str:
    if report.analysis.kind == "log":
        return ""
    return (
        f"sampling used {units.share(report.overhead)} of one core" if report.overhead is not None else "not measured"
    )


def _samples(analysis: Analysis) -> str:
    if analysis.kind == "log":
        return ""
    return f"{units.count(analysis.samples)} in {units.plural(analysis.windows, 'window')}"


def _mode(report: Report) -> str:
    run = report.analysis.run
    started_by = "launched by perfkit" if run.mode == "run" else "attached to a running process"
    return f"{started_by}, {run.rate:g} samples/s" if report.analysis.times else started_by


def _apart(analysis: Analysis) -> str:
    parts = (
        ("start-up", analysis.startup_seconds),
        ("warm-up", analysis.run.warmup),
        ("idle", analysis.idle_seconds),
        ("background", analysis.background_seconds),
    )
    return ", ".join(f"{label} {units.seconds(value)}" for label, value in parts if value > 0)


def _requests(analysis: Analysis) -> str:
    if analysis.requests is None:
        return ""
    answered = units.plural(analysis.requests, "request")
    return f"{answered}, {units.count(analysis.failed_requests)} failed" if analysis.failed_requests else answered


def _machine(analysis: Analysis) -> str:
    run, pressure = analysis.run, analysis.pressure
    parts = [text(run.platform), units.plural(run.cores, "core")]
    if pressure:
        parts += [
            f"load {pressure.load:.1f}",
            f"busy {units.share(pressure.busy)}",
            f"steal {units.share(pressure.steal)}",
        ]
        if pressure.throttled is not None:
            parts.append(f"throttled {units.share(pressure.throttled)}")
        if pressure.runqueue is not None:
            parts.append(f"waiting for a CPU {units.share(pressure.runqueue)}")
    return ", ".join(parts)


def _ending(report: Report) -> str:
    run = report.analysis.run
    parts = [f"stopped by {text(run.stopped_by)}"] if run.stopped_by else []
    parts += [f"exit code {run.exit_code}"] if run.exit_code is not None else []
    parts += [] if run.sealed else ["the recording was cut short"]
    return ", ".join(parts)
