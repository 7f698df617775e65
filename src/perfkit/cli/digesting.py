"""What `sql` and `merge` share: read logs with a bar on the terminal, keep what they say as a recording, show its report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.console import Ticker, out, say, screen, write_file
from perfkit.cli.defaults import settings
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.collectors.sqllog.options import LogOptions
    from perfkit.model.sqllog import SqlLog
    from perfkit.pipeline import Digested

_BAR = 24


def read(logs: list[str], options: LogOptions, *, follow: bool, quiet: bool, dask: str | None = None) -> Digested:
    """Raises PerfkitError where a log cannot be read, or holds nothing that is known."""
    from perfkit import __version__
    from perfkit.pipeline import digest, digest_on_dask

    if not quiet:
        say(
            f"perfkit {__version__}  reading {', '.join(logs[:3])}{f' and {len(logs) - 3} more' if len(logs) > 3 else ''}"
        )
    if follow:
        return _follow(Path(logs[0]), options, quiet)
    ticker = _Reading(quiet)
    try:
        if dask is not None:
            digested = digest_on_dask(logs, dask, options, ticker.show)
        else:
            digested = digest(logs, options, ticker.show, sys.stdin.buffer)
    finally:
        ticker.clear()
    if not quiet:
        say(_read(digested.log, ticker.seconds))
    return digested


def _follow(path: Path, options: LogOptions, quiet: bool) -> Digested:
    """Until Ctrl-C."""
    from perfkit.model.sqllog import SqlLog
    from perfkit.pipeline import Digested
    from perfkit.pipeline import follow as followed
    from perfkit.shared.units import count, plural

    ticker, latest = Ticker(quiet), Digested(SqlLog(""))
    try:
        for latest in followed(path, options):
            ticker.show(
                f"perfkit  {count(latest.log.events)} executions of {plural(len(latest.log.digests), 'statement')} "
                f"· Ctrl-C to stop and report · {path.name}"
            )
    except KeyboardInterrupt:
        pass
    finally:
        ticker.clear()
    return latest


class _Reading:
    """A bar with rate and time left, on a terminal."""

    def __init__(self, quiet: bool) -> None:
        from time import monotonic

        self._clock = monotonic
        self._begun = monotonic()
        self._ticker = Ticker(quiet)

    @property
    def seconds(self) -> float:
        return self._clock() - self._begun

    def show(self, done: int, whole: int | None, lines: int, tasks: tuple[int, int] | None = None) -> None:
        """`tasks` are those done and all, where a cluster reads."""
        from perfkit.shared.units import count, seconds, size

        rate = done / max(self.seconds, 1e-6)
        speed = f"{size(done)} · {count(lines)} lines · {size(rate)}/s"
        if tasks is not None:
            speed = f"{tasks[0]} of {tasks[1]} tasks · {speed}"
        if not whole:
            self._ticker.show(f"perfkit  {speed}")
            return
        filled = min(_BAR, round(_BAR * done / whole))
        left = seconds(max(0.0, whole - done) / rate) if rate else "?"
        self._ticker.show(f"perfkit  [{'#' * filled}{'.' * (_BAR - filled)}] {speed} · {left} left")

    def clear(self) -> None:
        self._ticker.clear()


def _read(log: SqlLog, seconds: float) -> str:
    from perfkit.shared.units import count, plural, size
    from perfkit.shared.units import seconds as time

    whole = sum(size for _, size in log.files)
    parts = [
        f"read {size(whole)} in {time(seconds)}" if whole else f"read in {time(seconds)}",
        ", ".join(log.formats) or "no format",
        f"{count(log.events)} executions of {plural(len(log.digests), 'statement')}",
    ]
    if log.unparsed:
        parts.append(f"{plural(log.unparsed, 'line')} not understood")
    lines = [f"perfkit  {' · '.join(parts)}"]
    from perfkit.cli.console import plain

    lines += [f"         not understood: {plain(example)[:70]}" for example in log.examples]
    return "\n".join(lines)


def save(log: SqlLog, path: Path, quiet: bool) -> None:
    from perfkit.recordings.digest_file import save_digest
    from perfkit.shared.units import plural

    save_digest(log, path)
    if not quiet:
        say(f"perfkit  wrote {path}: {plural(len(log.digests), 'statement')}")


def deliver(
    digested: Digested,
    *,
    output: str | None,
    format: str,
    top: int | None,
    sort: str,
    open_html: bool,
    quiet: bool,
    color: str,
) -> None:
    """The report on stdout, the recording and its HTML where recordings go."""
    from perfkit.cli.measuring import open_in_browser, relative
    from perfkit.pipeline import render, report_of, with_links

    path = _recorded(digested, output, quiet)
    report = report_of(path, settings().silences)
    html = path.with_suffix(".html")
    write_file(html, render(report, "html", top=top, sort=sort), private=True)
    report = with_links(report, relative(html))
    look = screen(sys.stdout, color)
    if not quiet:
        say()
    out(render(report, format, color=look.color, width=look.width, unicode=look.unicode, top=top, sort=sort))
    if open_html:
        open_in_browser(html)


def _recorded(digested: Digested, output: str | None, quiet: bool) -> Path:
    """A new recording; or one that is there already, with the log beside what it holds."""
    from datetime import datetime

    from perfkit.pipeline import join_log, record_log
    from perfkit.recordings import Store

    if output is None:
        store = Store(Path.cwd())
        path = store.new_path("sql", datetime.now())
        record_log(digested, path)
        store.set_latest(path)
        return path
    path = Path(output)
    if path.suffix == ".html":  # the report's own name, beside the recording
        raise PerfkitError(
            f"{path} would be the recording.", "give -o another ending; the HTML report lies beside it", USAGE
        )
    if path.is_file() and path.stat().st_size:
        join_log(digested, path)
        if not quiet:
            say(f"perfkit  put the log beside what {path} holds")
        return path
    if not path.parent.is_dir():
        raise PerfkitError(f"the folder {path.parent} does not exist.", "create it, or give another -o FILE")
    record_log(digested, path)
    return path
