"""What `run`, `attach` and `demo` share: measure into the folder of recordings, then show the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.console import Ticker, say, screen, show_error, write_file
from perfkit.cli.defaults import settings
from perfkit.errors import FAILED, PerfkitError
from perfkit.model.target import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.model.analysis import EndpointTime
    from perfkit.model.report import Report
    from perfkit.model.target import RunningProcess
    from perfkit.pipeline import Measured, Options, Progress
    from perfkit.recordings import Store


WIDEST = 90
# What engines that count have instead of samples.
_COUNTED = {"cprofile": "calls", "line-profiler": "hits"}


def measure_and_report(
    target: Command | RunningProcess,
    options: Options,
    *,
    label: str,
    output: str | None,
    quiet: bool,
    color: str,
    open_html: bool,
    root: Path | None = None,
    dsn: str | None = None,
) -> int:
    """Everything from the target to the printed report. Comes back with the exit code of the command. `dsn` is a database that
    is asked for plans of what the target ran, when it has ended."""
    if dsn is not None:
        _check_dsn(dsn)
    path, store = _place_for(output, label, root)
    ticker = Ticker(quiet)
    if not quiet:
        say(_greeting(target, options))
    measured = _measure(target, options, path, ticker, store is not None)
    if measured.path is not None:
        if store is not None:
            store.set_latest(measured.path)
        if dsn is not None:
            _plan(measured.path, dsn, quiet)
        if (options.lines or options.calls) and isinstance(target, Command) and _ended_too_early(measured):
            again = counting_again(measured.path, target, options, quiet)
            if again is not None:
                show_error(again)
        if not _never_answered(measured):
            show_report(measured.path, quiet=quiet, color=color, open_html=open_html, stored=store is not None)
    if measured.failure is not None:
        show_error(measured.failure)
    return _exit_code(measured)


def _place_for(output: str | None, label: str, root: Path | None) -> tuple[Path, Store | None]:
    """Where the recording goes, and the folder of recordings where it goes there."""
    from datetime import datetime

    from perfkit.recordings import Store

    if output is not None:
        path = Path(output)
        if not path.parent.is_dir():
            raise PerfkitError(f"the folder {path.parent} does not exist.", "create it, or give another -o FILE")
        return path, None
    store = Store(root or Path.cwd())
    return store.new_path(label, datetime.now()), store


def _measure(target: Command | RunningProcess, options: Options, path: Path, ticker: Ticker, stored: bool) -> Measured:
    from perfkit.pipeline import measure
    from perfkit.shared.units import count, plural

    def progress(step: Progress) -> None:
        if step.what == "reading":
            ticker.show("perfkit  reading what the probe saw")
        elif step.what == "measuring":
            ticker.show(
                f"perfkit  {step.seconds:.0f} s · {plural(step.processes, 'process')} · {count(step.samples)} samples"
            )

    try:
        return measure(target, options, path, progress)
    except PerfkitError:
        if stored and path.is_file() and not path.stat().st_size:
            path.unlink()  # the name that was reserved: nothing came of it
        raise
    finally:
        ticker.clear()


def _greeting(target: Command | RunningProcess, options: Options) -> str:
    from perfkit import __version__

    how = f"up to {options.rate:.0f} samples per second" if options.engine == "py-spy" else options.engine
    if isinstance(target, Command):
        how += " + requests and SQL" if options.probe and options.engine == "py-spy" else ""
        return f"perfkit {__version__}  {how} · Ctrl-C to stop and report"
    return f"perfkit {__version__}  {how} · attached to {target.description} · it runs on afterwards"


def _check_dsn(dsn: str) -> None:
    from perfkit.explain import ExplainOptions
    from perfkit.pipeline import check_dsn

    check_dsn(dsn, ExplainOptions())


def _plan(path: Path, dsn: str, quiet: bool) -> None:
    """What goes wrong here is said, and the report is made without plans."""
    from perfkit.explain import ExplainOptions
    from perfkit.pipeline import add_plans

    ticker = Ticker(quiet)
    try:
        add_plans(path, dsn, ExplainOptions(), told=lambda done, whole: ticker.show(f"perfkit  plan {done} of {whole}"))
    except PerfkitError as error:
        show_error(error)
    finally:
        ticker.clear()


def counting_again(path: Path, target: Command | RunningProcess, options: Options, quiet: bool) -> PerfkitError | None:
    """Run it once more, or attach to it, for the lines, or calls, of what was hot; they go into the recording. What went wrong comes back."""
    from perfkit.pipeline import zoom

    if not quiet:
        how = "runs it once more" if isinstance(target, Command) else f"looks into {target.description}"
        say(f"perfkit  {how}, and counts the {'calls' if options.calls else 'lines'} of its hottest functions")
    ticker = Ticker(quiet)

    def progress(step: Progress) -> None:
        ticker.show(f"perfkit  {step.seconds:.0f} s")

    try:
        return zoom(path, target, options, progress).failure
    except PerfkitError as error:
        return error
    finally:
        ticker.clear()


def _ended_too_early(measured: Measured) -> bool:
    """A script that went well, before its lines or calls could be counted."""
    from perfkit.recordings import load

    outcome = measured.outcome
    went_well = outcome.stopped_by == "target" and outcome.exit_code == 0
    if not went_well or measured.path is None or measured.interrupted:
        return False
    recording = load(measured.path)
    return not recording.lines and not recording.calls


def show_report(path: Path, *, quiet: bool, color: str, open_html: bool, stored: bool = False) -> None:
    """The terminal report on stderr, because stdout is the target's, and the HTML report beside the recording."""
    from perfkit.pipeline import render, report_of, with_links

    report = report_of(path, settings().silences)
    html = path.with_suffix(".html")
    shown_html = html
    try:
        write_file(html, render(report, "html"), private=True)
        if stored:
            shown_html = _link_latest(html)
    except PerfkitError as error:
        show_error(error)
    if not quiet:
        say(_stopped(report))
    look = screen(sys.stderr, color)
    report = with_links(report, relative(shown_html) if html.exists() else None)
    say()
    say(render(report, "terminal", color=look.color, width=look.width, unicode=look.unicode), end="")
    if open_html:
        open_in_browser(html)


def _stopped(report: Report) -> str:
    from perfkit.shared.units import count, plural, seconds

    run, analysis = report.analysis.run, report.analysis
    parts = [f"{'stopped' if run.stopped_by != 'target' else 'ended'} after {seconds(run.duration)}"]
    if analysis.requests:
        parts.append(plural(analysis.requests, "request"))
        if analysis.latency:
            seen = "clients: " if {"load", "probe"} <= {e.source for e in analysis.endpoints} else ""
            parts.append(f"{seen}p50 {seconds(analysis.latency[0])}, p95 {seconds(analysis.latency[1])}")
        queries = _queries_per_request(analysis.endpoints)
        if queries:
            parts.append(f"{queries:.3g} queries/req")
    parts.append(plural(len(analysis.processes), "process"))
    if analysis.memory is None or not analysis.memory.lines:
        parts.append(f"{count(analysis.samples)} {_COUNTED.get(run.engine, 'samples')}")
    return _in_lines(parts)


def _in_lines(parts: Iterable[str]) -> str:
    """One line where it fits, else more, each under the first."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(f" · {part}") <= WIDEST:
            lines[-1] += f" · {part}"
        else:
            lines.append(("         " if lines else "perfkit  ") + part)
    return "\n".join(lines)


def _queries_per_request(endpoints: Iterable[EndpointTime]) -> float | None:
    """None where nothing inside the target counted."""
    counted = [(e.requests or 0, e.queries_per_request) for e in endpoints if e.queries_per_request is not None]
    requests = sum(n for n, _ in counted)
    return sum(n * each for n, each in counted) / requests if requests else None


def _link_latest(html: Path) -> Path:
    latest = html.with_name("latest.html")
    try:
        part = html.with_name(".latest.html.part")
        part.unlink(missing_ok=True)
        part.symlink_to(html.name)
        part.replace(latest)
    except OSError:
        return html
    return latest


def relative(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def open_in_browser(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        say(f"no browser could be opened; the report is {path}")


def _never_answered(measured: Measured) -> bool:
    """The workload never began: what was sampled meanwhile is a wait, and a report of it would hide the reason."""
    return measured.failure is not None and measured.outcome.stopped_by == "perfkit"


def _exit_code(measured: Measured) -> int:
    """The target's own code; where perfkit stopped it, 0 or the workload's; perfkit's failure only where all else went well."""
    outcome = measured.outcome
    own_end = outcome.stopped_by in ("target", "signal")
    code = (outcome.exit_code if own_end else outcome.workload_exit_code) or 0
    return code or (FAILED if measured.failure is not None else 0)
