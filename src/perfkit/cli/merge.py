"""`perfkit merge`: add digests of logs up that were made apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError


def merge(
    digests: Annotated[
        list[str] | None, typer.Argument(metavar="DIGEST…", help="Files that perfkit sql --save-digest wrote.")
    ] = None,
    top: o.Top = None,
    sort: o.Sort = "total",
    save_digest: o.SaveDigest = None,
    format: o.Format = "terminal",
    output: o.Output = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Add up digests that were made apart.

    perfkit sql --save-digest makes them, on as many machines as there are. Counts and sums are exact, percentiles within 1 %, as if one perfkit had read all logs.

    Examples:  perfkit merge web1.digest web2.digest  ·  perfkit merge *.digest -f json
    """
    o.check_color(color)
    o.at_least("--top", top, 1)
    o.check_sort(sort)
    if not digests:
        raise PerfkitError("no digest was named.", "make some: perfkit sql LOG --save-digest FILE", USAGE)
    from perfkit.reports import FORMATS

    FORMATS.check(format)
    from perfkit.cli.digesting import deliver, save
    from perfkit.pipeline import Digested
    from perfkit.recordings.digest_file import load_digest

    log, *others = [load_digest(Path(name)) for name in digests]
    for other in others:
        log.merge(other)
    if save_digest is not None:
        save(log, Path(save_digest), quiet)
    deliver(Digested(log), output=output, format=format, top=top, sort=sort, open_html=open_, quiet=quiet, color=color)
