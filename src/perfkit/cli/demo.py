"""`perfkit demo`: a small real backend with planted faults, driven, measured and reported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o

FOLDER = Path(__file__).resolve().parent.parent / "demo"
PATHS = ("/orders", "/report", "/page/7", "/export", "/health")
CLIENTS = 4
_WORD = """\
This starts a small web shop on this machine, sends it requests from {clients} clients for {seconds:g} s, and measures it.
Some of its code is slow in ways that real code is: the report says where, the worst first.
"""


def demo(
    duration: Annotated[
        float, o.flag("--duration", "-d", help="Measure this long.", env="DEMO_DURATION", metavar="SECONDS")
    ] = 10.0,
    output: o.Output = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Measure a small web shop that comes with perfkit.

    It shows what a report says, and takes about 15 seconds.

    Examples:  perfkit demo  ·  perfkit demo --open
    """
    o.check_color(color)
    o.at_least("--duration", duration, 1)
    from perfkit.cli.console import say
    from perfkit.cli.measuring import measure_and_report
    from perfkit.model.target import Command, Load, Workload
    from perfkit.pipeline import Options
    from perfkit.recordings import Store

    if output is None:
        Store(Path.cwd()).create()
    if not quiet:
        say(_WORD.format(clients=CLIENTS, seconds=duration))
    port = _free_port()
    urls = tuple(f"http://127.0.0.1:{port}{path}" for path in PATHS)
    code = measure_and_report(
        Command((sys.executable, "-m", "shop", "--port", str(port)), sys.executable, str(FOLDER)),
        Options(duration=duration, project=(str(FOLDER),), workload=Workload(load=Load(urls, None, CLIENTS))),
        label="demo",
        output=output,
        quiet=quiet,
        color=color,
        open_html=open_,
    )
    if code == 0 and not quiet:
        say("\n" + _next_steps(output))
    raise typer.Exit(code)


def _free_port() -> int:
    """A loopback port that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _next_steps(output: str | None) -> str:
    """What to do after the report, with the words to type."""
    from perfkit.pipeline import report_of
    from perfkit.recordings import Store

    path = Path(output) if output else Store(Path.cwd()).resolve(None)
    first = next((finding.where for finding in report_of(path, ()).findings if finding.where), None)
    steps = [("See the flame graph", f"perfkit report {output} --open" if output else "perfkit report --open")]
    if first is not None:
        steps.append(("Read the slow code", f"{first.file}:{first.line}"))
    steps.append(("Measure your own service", "perfkit run -- python app.py   (as you start it now)"))
    return "\n".join(f"{what:<26}{words}" for what, words in steps)
