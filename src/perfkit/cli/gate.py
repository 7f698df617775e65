"""`perfkit gate`: compare with a baseline, and fail where something got slower."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.gate import Verdict

PASS, FAIL, INCONCLUSIVE = 0, 1, 4


def gate(
    context: typer.Context,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND…", help="A server with --load, or a script.")
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

    Exit code 0: pass, 1: fail, 3: no baseline to compare with, 4: inconclusive, 5: the command failed or nothing was measured.

    Examples:  perfkit gate --baseline main --load http://127.0.0.1:8000/ -- gunicorn -b :8000 shop.wsgi
    perfkit gate --baseline main -- python report.py
    """
    o.check_color(color)
    o.at_least("--repeats", repeats, 1)
    o.at_least("--seconds", seconds, 1)
    if inconclusive not in ("4", "pass", "fail"):
        raise PerfkitError(f"--inconclusive {inconclusive} is not known.", "choose 4, pass or fail", USAGE)
    if baseline is None:
        raise PerfkitError("there is nothing to compare with.", "perfkit gate --baseline main -- COMMAND", USAGE)
    _check_addresses(context, load, ready)
    from perfkit.cli.defaults import settings
    from perfkit.gate import budgets
    from perfkit.targets.command import resolve_command

    wanted = [_wanted(text) for text in report or ()]
    found = settings()
    target = resolve_command(command or found.command, Path.cwd(), os.environ)
    from perfkit.cli.console import Ticker
    from perfkit.pipeline import GateOptions
    from perfkit.pipeline import gate as compare

    ticker = Ticker(quiet)
    options = GateOptions(
        baseline=baseline,
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        copied=tuple(copy or ()),
        repeats=repeats,
        seconds=seconds,
        times=times,
        budgets=budgets.read(found.budgets, f"{found.file}: tool.perfkit.gate.budgets"),
    )
    try:
        verdict = compare(target, options, lambda text: ticker.show(f"perfkit  {text}"))
    finally:
        ticker.clear()
    _show(verdict, color, quiet)
    _write(verdict, wanted)
    raise typer.Exit(_exit_code(verdict, inconclusive))


gate.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": False}}  # type: ignore[attr-defined]


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
