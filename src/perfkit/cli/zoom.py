"""`perfkit zoom`: run again what a recording measured, and count the lines of what it ranks highest."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import FAILED, USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.recording import Run
    from perfkit.model.target import Command, RunningProcess

_ATTACHED = 10.0  # seconds


def zoom(
    context: typer.Context,
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A file, the beginning of its name, or latest.")
    ],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND…]", help="What to run, if not what was recorded.")
    ] = None,
    duration: o.Duration = None,
    load: o.Load_ = None,
    requests: o.Requests = None,
    concurrency: o.Concurrency = 4,
    while_: o.While = None,
    ready: o.Ready = None,
    ready_timeout: o.ReadyTimeout = 60.0,
    path_map: o.PathMap = None,
    calls: o.Calls = False,
    attach: Annotated[
        str | None,
        o.flag(
            "--attach",
            help="A process that runs, in place of a command: a pid, :PORT, or a name.",
            env="ATTACH",
            metavar="TARGET",
        ),
    ] = None,
    yes: o.Yes = False,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Count lines or calls of a recording's hottest functions.

    Runs the command once more with the probe, which counts hits and seconds of each line of at most five functions, and puts them
    into the recording; with --calls who calls them how often. Its ranks stay as they were sampled.

    With --attach a running process is looked into, for 10 seconds.

    Examples:  perfkit zoom latest  ·  perfkit zoom latest --attach :8000
    perfkit zoom latest --load http://127.0.0.1:8000/ -d 20 -- gunicorn shop.wsgi
    """
    o.check_color(color)
    o.at_least("--duration", duration, 0.1)
    o.at_least("--requests", requests, 1)
    o.at_least("--concurrency", concurrency, 1)
    o.check_load(context, load, ready)
    from perfkit.recordings import Store
    from perfkit.recordings.reader import load_run

    path = Store(Path.cwd()).resolve(None if recording == "latest" else recording)
    run = load_run(path)
    target = _target(command, run, path) if attach is None else _running(attach, command, yes, calls)
    from perfkit.cli.measuring import counting_again, show_report
    from perfkit.pipeline import Options

    options = Options(
        duration=_ATTACHED if attach is not None and duration is None else duration,
        project=run.project,
        path_map=o.path_maps(path_map),
        workload=o.workload(load, requests, concurrency, while_, ready, ready_timeout),
        calls=calls,
    )
    failure = counting_again(path, target, options, quiet)
    show_report(path, quiet=quiet, color=color, open_html=open_)
    if failure is not None:
        from perfkit.cli.console import show_error

        show_error(failure)
        raise typer.Exit(FAILED)


zoom.settings = {"context_settings": {"ignore_unknown_options": False, "allow_interspersed_args": True}}  # type: ignore[attr-defined]


def _running(name: str, words: list[str] | None, yes: bool, calls: bool) -> RunningProcess:
    """Raises PerfkitError where it is not there, or where nothing may be brought into it."""
    from perfkit.targets import resolve_running

    if words:
        raise PerfkitError("a command and --attach are two targets.", "give one of them", USAGE)
    found = resolve_running(name)
    if not yes:
        from perfkit.cli.asking import ask

        ask(found, lines=not calls, calls=calls)
    return found


def _target(words: list[str] | None, run: Run, path: Path) -> Command:
    """What is given, else what was recorded here: a file from elsewhere could ask for anything to be run. Raises PerfkitError (2)
    where neither says what."""
    from perfkit.recordings.store import FOLDER
    from perfkit.shared.redact import HIDDEN
    from perfkit.targets.command import resolve_command

    if words:
        return resolve_command(words, Path.cwd(), os.environ)
    if run.mode != "run":
        raise PerfkitError(
            f"the recording is of {'a log' if run.mode == 'sql' else 'a process that ran already'}: there is no command to run again.",
            "give one: perfkit zoom RECORDING -- COMMAND, or a process: --attach PID",
            USAGE,
        )
    if path.resolve().parent != (Path.cwd() / FOLDER).resolve():
        raise PerfkitError(
            f"{path.name} is not of this folder's recordings: its command is not run.",
            "give the command: perfkit zoom RECORDING -- COMMAND",
            USAGE,
        )
    if HIDDEN in run.command:
        raise PerfkitError(
            "the recorded command has lost its secrets.", "give it again: perfkit zoom RECORDING -- COMMAND", USAGE
        )
    if not Path(run.cwd).is_dir():
        raise PerfkitError(f"the folder {run.cwd} is not there any more.", "give the command: … -- COMMAND", USAGE)
    return resolve_command(shlex.split(run.command), Path(run.cwd), os.environ)
