"""`perfkit gate`: compare with a baseline, and fail where something got slower."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perfkit.model.gate import Verdict
    from perfkit.model.target import Command
    from perfkit.pipeline import GateOptions

PASS, FAIL, INCONCLUSIVE = 0, 1, 4


def gate(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[calibrate] -- COMMAND…", help="A server with --load, or a script."),
    ] = None,
    baseline: Annotated[
        str | None,
        o.flag("--baseline", "-b", help="A branch, tag or commit to compare with.", env="BASELINE", metavar="REF"),
    ] = None,
    load: o.Load_ = None,
    repeats: Annotated[
        int, o.flag("--repeats", help="Requests of each URL that are counted.", env="REPEATS", metavar="N")
    ] = 20,
    seconds: Annotated[
        float, o.flag("--seconds", help="How long timing may take.", env="SECONDS", metavar="SECONDS")
    ] = 300.0,
    times: Annotated[bool, o.flag("--times/--no-times", help="Compare times, or counts alone.", env="TIMES")] = True,
    inconclusive: Annotated[
        str, o.flag("--inconclusive", help="What no answer means: 4, pass or fail.", env="INCONCLUSIVE", metavar="WHAT")
    ] = "4",
    copy: Annotated[
        list[str] | None,
        o.flag(
            "--copy",
            help="A file that git does not hold and the baseline needs. Repeatable.",
            env="COPY",
            metavar="PATH",
        ),
    ] = None,
    report: Annotated[
        list[str] | None,
        o.flag(
            "--report",
            help="json, markdown, github, junit, sarif, gitlab or openmetrics, and where it goes. Repeatable.",
            env="GATE_REPORT",
            metavar="FORMAT=FILE",
        ),
    ] = None,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Fail a build where the code got slower.

    Checks the baseline out beside the work tree and runs the command on both. Counts (statements, connections, commits) are compared
    exactly; CPU time in pairs, as many as it takes.

    With calibrate both sides are HEAD: it tells in two minutes how often a gate on this machine fails for nothing, and what it can see.

    Exit code 0: pass, 1: fail, 3: no baseline to compare with, 4: inconclusive, 5: the command failed or nothing was measured.

    Examples:  perfkit gate --baseline main --load http://127.0.0.1:8000/ -- gunicorn -b :8000 shop.wsgi
    perfkit gate --baseline main -- python report.py
    perfkit gate calibrate -- python report.py
    """
    o.check_color(color)
    o.at_least("--repeats", repeats, 1)
    o.at_least("--seconds", seconds, 1)
    if inconclusive not in ("4", "pass", "fail"):
        raise PerfkitError(f"--inconclusive {inconclusive} is not known.", "choose 4, pass or fail", USAGE)
    words = command or []
    calibrating = words[:1] == ["calibrate"]
    if baseline is None and not calibrating:
        raise PerfkitError("there is nothing to compare with.", "perfkit gate --baseline main -- COMMAND", USAGE)
    _check_addresses(context, load, ready)
    from perfkit.cli.defaults import settings
    from perfkit.gate import budgets
    from perfkit.targets.command import resolve_command

    wanted = [_wanted(text) for text in report or ()]
    found = settings()
    target = resolve_command((words[1:] if calibrating else words) or found.command, Path.cwd(), os.environ)
    from perfkit.pipeline import GateOptions

    options = GateOptions(
        baseline=baseline or "HEAD",
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        copied=tuple(copy or ()),
        repeats=repeats,
        seconds=_seconds(context, seconds) if calibrating else seconds,
        times=times,
        budgets=budgets.read(found.budgets, f"{found.file}: tool.perfkit.gate.budgets"),
    )
    if calibrating:
        _calibrate(target, options, quiet)
        return
    from perfkit.pipeline import gate as compare

    with _ticking(quiet) as say:
        verdict = compare(target, options, say)
    _show(verdict, color, quiet)
    _write(verdict, wanted)
    raise typer.Exit(_exit_code(verdict, inconclusive))


gate.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]


@contextmanager
def _ticking(quiet: bool) -> Iterator[Callable[[str], None]]:
    from perfkit.cli.console import Ticker

    ticker = Ticker(quiet)
    try:
        yield lambda text: ticker.show(f"perfkit  {text}")
    finally:
        ticker.clear()


def _seconds(context: typer.Context, seconds: float) -> float:
    """Two minutes unless told otherwise: what a gate may take is a limit, what calibrating takes is a wish."""
    source = context.get_parameter_source("seconds")
    return seconds if source is not None and source.name != "DEFAULT" else 120.0


def _calibrate(target: Command, options: GateOptions, quiet: bool) -> None:
    from perfkit.cli.console import out
    from perfkit.pipeline import calibrate
    from perfkit.reports.gate_calibration import render

    with _ticking(quiet) as say:
        found = calibrate(target, options, say)
    out(render(found))


def _check_addresses(context: typer.Context, load: list[str] | None, ready: str | None) -> None:
    """Raises PerfkitError (2) for a URL that leads nowhere; `{port}` stands for one that is free."""
    some = [url.replace("{port}", "1") for url in load or ()]
    o.check_load(context, some, None if ready is None else ready.replace("{port}", "1"))


def _wanted(text: str) -> tuple[str, str]:
    """Format and file. Raises PerfkitError (2)."""
    from perfkit.reports import GATE_FORMATS

    format, separator, file = text.partition("=")
    GATE_FORMATS.check(format)
    if not separator or not file:
        raise PerfkitError(f"--report {text} names no file.", f"write --report {format}=FILE, - for stdout", USAGE)
    if file != "-" and not Path(file).absolute().parent.is_dir():
        raise PerfkitError(f"the folder of {file} does not exist.", "create it, or give another file", USAGE)
    return format, file


def _show(verdict: Verdict, color: str, quiet: bool) -> None:
    from perfkit.cli.console import say, screen
    from perfkit.reports import GATE_FORMATS, RenderOptions

    look = screen(sys.stderr, color)
    if not quiet or verdict.answer != "pass":
        say(GATE_FORMATS.load("terminal")(verdict, RenderOptions(look.color, look.width, look.unicode)), end="")


def _write(verdict: Verdict, wanted: list[tuple[str, str]]) -> None:
    """Files that were asked for; on GitHub also the summary of the step and annotations on the lines, which it reads from stdout."""
    from perfkit.cli.console import out, write_file
    from perfkit.reports import GATE_FORMATS, RenderOptions

    for format, file in wanted:
        text = GATE_FORMATS.load(format)(verdict, RenderOptions())
        if file == "-":
            out(text)
        else:
            write_file(Path(file), text)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        out(GATE_FORMATS.load("github")(verdict, RenderOptions()))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with open(summary, "a", encoding="utf-8") as file_:
                file_.write(GATE_FORMATS.load("markdown")(verdict, RenderOptions()))


def _exit_code(verdict: Verdict, inconclusive: str) -> int:
    meant = {"4": INCONCLUSIVE, "pass": PASS, "fail": FAIL}[inconclusive]
    return {"pass": PASS, "fail": FAIL, "inconclusive": meant}[verdict.answer]
