"""`perfkit gate`: compare with a baseline, and fail where something got slower."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from perfkit.cli import gate_options as g
from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.finding import Severity
    from perfkit.model.gate import Verdict

PASS, FAIL, INCONCLUSIVE = 0, 1, 4


def gate(
    context: typer.Context,
    command: g.Words = None,
    baseline: g.Baseline = None,
    load: o.Load_ = None,
    repeats: g.Repeats = 20,
    seconds: g.Seconds = 300.0,
    times: g.Times = True,
    inconclusive: g.Inconclusive = "4",
    copy: g.Copy = None,
    baseline_env: g.BaselineEnv = "auto",
    new_findings: g.NewFindings = None,
    report: g.Report = None,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Fail a build where the code got slower.

    Checks the baseline out beside the work tree and runs the command on both. Counts (statements, connections, commits, requests to
    other services, calls) are compared exactly; CPU time in pairs, as many as it takes.

    perfkit gate explain tells more of what failed, and perfkit gate accept accepts it; perfkit gate record keeps a baseline, perfkit gate
    history shows many of them, and perfkit gate calibrate what this machine can see.

    Exit code 0: pass, 1: fail, 3: no baseline to compare with, 4: inconclusive, 5: the command failed or nothing was measured.

    Examples:  perfkit gate --baseline main --load http://127.0.0.1:8000/ -- gunicorn -b :8000 shop.wsgi ·
    perfkit gate --baseline main -- python report.py
    """
    o.check_color(color)
    o.at_least("--repeats", repeats, 1)
    o.at_least("--seconds", seconds, 1)
    if inconclusive not in ("4", "pass", "fail"):
        raise PerfkitError(f"--inconclusive {inconclusive} is not known.", "choose 4, pass or fail", USAGE)
    target = g.target(command)
    if baseline is None:
        raise PerfkitError("there is nothing to compare with.", "perfkit gate --baseline main -- COMMAND", USAGE)
    g.check_addresses(context, load, ready)
    from perfkit.cli.defaults import settings
    from perfkit.gate import budgets

    wanted = [_wanted(text) for text in report or ()]
    found = settings()
    from perfkit.pipeline import GateOptions, remember
    from perfkit.pipeline import gate as compare

    options = GateOptions(
        baseline=baseline,
        urls=tuple(load or ()),
        ready=ready,
        ready_timeout=ready_timeout,
        copied=tuple(copy or ()),
        environment=baseline_env,
        repeats=repeats,
        seconds=seconds,
        times=times,
        new_findings=_severity(new_findings),
        silences=found.silences,
        budgets=budgets.read(found.budgets, f"{found.file}: tool.perfkit.gate.budgets"),
    )
    with g.ticking(quiet) as say:
        verdict = compare(target, options, say)
    remember(Path.cwd(), verdict)
    _show(verdict, color, quiet)
    _write(verdict, wanted)
    raise typer.Exit(_exit_code(verdict, inconclusive))


gate.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]


def _severity(text: str | None) -> Severity | None:
    """Raises PerfkitError (2)."""
    from typing import get_args

    from perfkit.model.finding import Severity

    for severity in get_args(Severity):
        if severity == text:
            return cast("Severity", severity)
    if text is None:
        return None
    raise PerfkitError(f"--new-findings {text} is not known.", f"choose one of {', '.join(get_args(Severity))}", USAGE)


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
            _append(summary, GATE_FORMATS.load("markdown")(verdict, RenderOptions()))


def _append(summary: str, text: str) -> None:
    """The verdict stands whether GitHub shows it or not."""
    from perfkit.cli.console import plain, say

    try:
        with open(summary, "a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        say(f"warning: the step's summary {plain(summary)} cannot be written: {error.strerror}.")


def _exit_code(verdict: Verdict, inconclusive: str) -> int:
    meant = {"4": INCONCLUSIVE, "pass": PASS, "fail": FAIL}[inconclusive]
    return {"pass": PASS, "fail": FAIL, "inconclusive": meant}[verdict.answer]
