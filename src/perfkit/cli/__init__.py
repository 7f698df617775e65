"""The terminal: one module per command, imported when that command is called; words in, exit codes out."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import typer

from perfkit.errors import USAGE, PerfkitError

COMMANDS: Final = {
    "run": "perfkit.cli.run:run",
    "attach": "perfkit.cli.attach:attach",
    "top": "perfkit.cli.top:top",
    "sql": "perfkit.cli.sql:sql",
    "explain": "perfkit.cli.explain:explain",
    "zoom": "perfkit.cli.zoom:zoom",
    "gate": "perfkit.cli.gate:gate",
    "diff": "perfkit.cli.diff:diff",
    "report": "perfkit.cli.report:report",
    "rule": "perfkit.cli.rule:rule",
    "doctor": "perfkit.cli.doctor:doctor",
    "demo": "perfkit.cli.demo:demo",
    "list": "perfkit.cli.listing:list_",
    "prune": "perfkit.cli.prune:prune",
    "merge": "perfkit.cli.merge:merge",
    "schema": "perfkit.cli.schema:schema",
}
# Their first word alone is a command as well: `perfkit gate -- COMMAND`.
SUBCOMMANDS: Final = {
    "gate": {
        "explain": "perfkit.cli.gate_explain:explain",
        "accept": "perfkit.cli.gate_accept:accept",
        "record": "perfkit.cli.gate_record:record",
        "history": "perfkit.cli.gate_history:history",
        "calibrate": "perfkit.cli.gate_calibrate:calibrate",
    },
}
_EPILOG = "First time? perfkit demo  ·  Your own: perfkit run -- python app.py"


def build(words: list[str]) -> typer.Typer:
    """The app with the command that `words` ask for, or with all of them where that is not clear yet (help, mistakes)."""
    app = typer.Typer(
        name="perfkit",
        help="Find what slows a Python backend down, and what to fix first.",
        epilog=_EPILOG,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        add_completion=not words or words[0].startswith("-"),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    if is_subcommand(words):
        group = typer.Typer(rich_markup_mode=None)
        group.callback()(_group)
        _add(group, words[1], SUBCOMMANDS[words[0]][words[1]])
        app.add_typer(group, name=words[0])
        return app
    for name in [words[0]] if words and words[0] in COMMANDS else list(COMMANDS):
        _add(app, name, COMMANDS[name])
    return app


def is_subcommand(words: list[str]) -> bool:
    return len(words) > 1 and words[1] in SUBCOMMANDS.get(words[0], {})


def _add(app: typer.Typer, name: str, where: str) -> None:
    module, _, function = where.partition(":")
    command = getattr(import_module(module), function)
    app.command(name, **getattr(command, "settings", {}))(command)


def _group() -> None:
    """Makes a group of what has one command only."""


def _root(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit.", is_eager=True),
) -> None:
    if version:
        from perfkit import __version__

        typer.echo(f"perfkit {__version__}")
        raise typer.Exit


def run_app(words: list[str]) -> None:
    """Run a command line to its exit code. A user's mistake is two lines on stderr, never a traceback."""
    import os

    from perfkit.cli.defaults import with_settings
    from perfkit.cli.usage import NoArgsIsHelpError, UsageError, usage_error

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever called us (`>&-`)
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (for the whole life of the process)
    debug = "--debug" in words or os.environ.get("PERFKIT_DEBUG", "") not in ("", "0")
    try:
        app = build(words)
        code = app(args=words, prog_name="perfkit", default_map=with_settings(words), standalone_mode=False)
        sys.exit(code or 0)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE)
    except (PerfkitError, UsageError) as error:
        if debug:
            raise
        from perfkit.cli.console import show_error

        shown = error if isinstance(error, PerfkitError) else usage_error(error)
        show_error(shown)
        sys.exit(shown.exit_code)
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`); the interpreter must not complain about it while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        from perfkit.cli.console import show_error

        show_error(
            PerfkitError(
                f"perfkit failed: {type(error).__name__}: {error}",
                "run it again with --debug and report what it prints",
            )
        )
        sys.exit(125)
