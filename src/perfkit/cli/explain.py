"""`perfkit explain`: a statement's plan, and the index that would help; or the plans of what a recording ranks highest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.explain import ExplainOptions
    from perfkit.model.plan import Plan

_REASONS = 3
_LARGEST = 64 * 2**20  # bytes of a statement or a plan


def explain(
    statement: Annotated[
        str | None, typer.Argument(metavar="[SQL|FILE|-]", help="One statement, a file with one, or - for stdin.")
    ] = None,
    dsn: o.Dsn = None,
    from_: Annotated[
        str | None,
        o.flag("--from", help="Plan the statements that cost most in this recording.", env="FROM", metavar="RECORDING"),
    ] = None,
    plan: Annotated[
        str | None, o.flag("--plan", help="Read a plan that is there already; - is stdin.", env="PLAN", metavar="FILE")
    ] = None,
    analyze: Annotated[
        bool, o.flag("--analyze", help="Run it: single SELECTs that change nothing.", env="ANALYZE")
    ] = False,
    i_know: Annotated[bool, o.flag("--i-know", help="With --analyze: even as a superuser.", env="I_KNOW")] = False,
    top: Annotated[int, o.flag("--top", help="With --from: this many statements.", env="TOP", metavar="N")] = 10,
    raw: Annotated[
        bool, o.flag("--raw", help="Print the database's own answer, for other viewers.", env="RAW")
    ] = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Explain a statement, and name the index it needs.

    Its plan as a tree, with what stands out in it. Nothing is executed, unless --analyze runs a SELECT in a read-only transaction. With --from the plans are put into the
    recording, and its report names them as causes.

    Examples:  perfkit explain --dsn sqlite:///shop.db "SELECT …"  ·  perfkit explain --from latest --dsn postgresql://…
    """
    o.check_color(color)
    o.at_least("--top", top, 1)
    _check(statement, dsn, from_, plan)
    if plan is not None:
        _show_given(_text_of(plan), color, raw)
        return
    from perfkit.explain import ExplainOptions

    options = ExplainOptions(analyze=analyze, i_know=i_know)
    if from_ is not None:
        _from_recording(from_, str(dsn), options, top, quiet, color)
        return
    from perfkit.model.plan import NotPlanned
    from perfkit.pipeline import plan_one

    text = _statement(str(statement))
    found = plan_one(text, str(dsn), options)
    if isinstance(found, NotPlanned):
        raise PerfkitError(f"no plan: {found.why}.", found.remedy)
    _show(found, color, raw)


def _check(statement: str | None, dsn: str | None, from_: str | None, plan: str | None) -> None:
    given = [name for name, value in (("SQL", statement), ("--from", from_), ("--plan", plan)) if value is not None]
    if len(given) != 1:
        what = "nothing to explain was named" if not given else f"{' and '.join(given)} cannot be explained together"
        raise PerfkitError(f"{what}.", 'name one: "SELECT …", a file, --from RECORDING or --plan FILE', USAGE)
    if plan is None and dsn is None:
        raise PerfkitError(
            "a plan is made by a database, and none was named.",
            "add --dsn postgresql://…, mysql://… or sqlite:///FILE",
            USAGE,
        )


def _statement(word: str) -> str:
    """The words themselves, or what the file holds that they name."""
    if word == "-":
        return _text_of(word)
    try:
        return _text_of(word) if Path(word).is_file() else word
    except (OSError, ValueError):  # a statement is longer than any file's name
        return word


def _text_of(word: str) -> str:
    try:
        if word == "-":
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with open(word, "rb") as file:
                data = file.read(_LARGEST + 1)
    except OSError as error:
        raise PerfkitError(f"{word} cannot be read: {error.strerror}.", "name a file, or - for stdin", USAGE) from None
    if len(data) > _LARGEST:
        raise PerfkitError(
            f"{word} is larger than {_LARGEST >> 20} MiB.", "name a file with one statement, or one plan", USAGE
        )
    return data.decode("utf-8-sig", "replace")


def _show_given(text: str, color: str, raw: bool) -> None:
    from perfkit.explain import read_plan

    _show(read_plan(text), color, raw)


def _show(plan: Plan, color: str, raw: bool) -> None:
    from perfkit.cli.console import out, screen
    from perfkit.reports.plan_text import render

    look = screen(sys.stdout, color)
    out(plan.raw.rstrip("\n") + "\n" if raw else render(plan, color=look.color, width=look.width, unicode=look.unicode))


def _from_recording(name: str, dsn: str, options: ExplainOptions, top: int, quiet: bool, color: str) -> None:
    from perfkit.cli.console import Ticker, out, plain, say, screen, write_file
    from perfkit.cli.defaults import settings
    from perfkit.cli.measuring import relative
    from perfkit.pipeline import add_plans, render, report_of, with_links
    from perfkit.recordings import Store
    from perfkit.shared.units import plural

    path = Store(Path.cwd()).resolve(name)
    ticker = Ticker(quiet)
    try:
        planned, failed = add_plans(
            path, dsn, options, top, lambda done, whole: ticker.show(f"perfkit  plan {done} of {whole}")
        )
    finally:
        ticker.clear()
    if not quiet:
        without = f" · {plural(len(failed), 'statement')} without one" if failed else ""
        say(f"perfkit  {plural(planned, 'plan')}{without} · in {relative(path)}")
        for why in list(dict.fromkeys(row.why for row in failed))[:_REASONS]:
            say(f"         no plan: {plain(why)}")
        say()
    if failed and not planned:
        raise PerfkitError(f"no statement could be planned: {failed[0].why}.", failed[0].remedy)
    report = report_of(path, settings().silences)
    html = path.with_suffix(".html")
    write_file(html, render(report, "html"), private=True)
    look = screen(sys.stdout, color)
    report = with_links(report, relative(html))
    out(render(report, "terminal", color=look.color, width=look.width, unicode=look.unicode))
