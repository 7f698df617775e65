"""`perfkit sql`: digest slow logs of databases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options as o
from perfkit.errors import USAGE, PerfkitError

_Names = list[str] | None


def sql(
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="LOG…", help="Files, globs, folders of rotated logs; - is stdin.")
    ] = None,
    log_format: Annotated[
        str | None,
        o.flag(
            "--log-format", help="How the log is written, if not found by itself.", env="LOG_FORMAT", metavar="NAME"
        ),
    ] = None,
    prefix: Annotated[
        str | None, o.flag("--prefix", help="PostgreSQL's log_line_prefix.", env="PREFIX", metavar="TEXT")
    ] = None,
    since: Annotated[
        str | None,
        o.flag("--since", help="Leave out what is older: 2h, 2026-11-21T10:00.", env="SINCE", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None, o.flag("--until", help="Leave out what is newer.", env="UNTIL", metavar="TIME")
    ] = None,
    user: Annotated[
        _Names, o.flag("--user", help="Only this user. Repeatable.", env="USER_NAME", metavar="NAME")
    ] = None,
    database: Annotated[
        _Names, o.flag("--database", help="Only this database. Repeatable.", env="DATABASE", metavar="NAME")
    ] = None,
    application: Annotated[
        _Names, o.flag("--application", help="Only this application. Repeatable.", env="APPLICATION", metavar="NAME")
    ] = None,
    top: o.Top = None,
    sort: o.Sort = "total",
    follow: Annotated[
        bool, o.flag("--follow", help="Go on reading while the log grows, until Ctrl-C.", env="FOLLOW")
    ] = False,
    jobs: Annotated[int, o.flag("--jobs", "-j", help="Read with this many processes.", env="JOBS", metavar="N")] = 1,
    dask: Annotated[
        str | None,
        o.flag("--dask", help="Read with this Dask cluster; logs may be URLs.", env="DASK", metavar="SCHEDULER"),
    ] = None,
    keep_literals: o.KeepLiterals = False,
    save_digest: o.SaveDigest = None,
    format: o.Format = "terminal",
    output: o.Output = None,
    open_: o.Open = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    color: o.Color = "auto",
) -> None:
    """Digest slow logs: what costs most, and why.

    PostgreSQL's, MySQL's, MariaDB's, Django's and SQLAlchemy's. Statements that differ in values alone are one. The report says which cost most, which run once per row, which wait.
    -o RECORDING of the same time puts the log beside what was measured, so that statements have their lines.

    Examples:  perfkit sql /var/log/postgresql/*.log  ·  zcat old.gz | perfkit sql -  ·  perfkit sql slow.log -f json
    """
    _check(logs, top, sort, jobs, color, format, follow)
    if dask is not None:
        _check_dask(logs or [], jobs, follow)
    from perfkit.cli.digesting import deliver, read, save
    from perfkit.cli.moments import moment
    from perfkit.collectors.sqllog.options import LogOptions

    options = LogOptions(
        format=log_format,
        prefix=prefix,
        since=moment("--since", since),
        until=moment("--until", until),
        users=frozenset(user or ()),
        databases=frozenset(database or ()),
        applications=frozenset(application or ()),
        jobs=jobs,
        keep_literals=keep_literals,
    )
    digested = read(logs or [], options, follow=follow, quiet=quiet, dask=dask)
    if save_digest is not None:
        save(digested.log, Path(save_digest), quiet)
    deliver(
        digested,
        output=output,
        format=format,
        top=top,
        sort=sort,
        open_html=open_,
        quiet=quiet,
        color=color,
    )


def _check(
    logs: list[str] | None, top: int | None, sort: str, jobs: int, color: str, format: str, follow: bool
) -> None:
    o.check_color(color)
    o.at_least("--top", top, 1)
    o.at_least("--jobs", jobs, 1)
    if not logs:
        raise PerfkitError("no log was named.", "perfkit sql /var/log/postgresql/*.log, or - for stdin", USAGE)
    if follow and (len(logs) != 1 or logs[0] == "-"):
        raise PerfkitError("--follow reads one file as it grows.", "name one file", USAGE)
    o.check_sort(sort)
    from perfkit.reports import FORMATS

    FORMATS.check(format)


def _check_dask(logs: list[str], jobs: int, follow: bool) -> None:
    if "-" in logs or follow:
        raise PerfkitError(
            "a Dask cluster reads no stream.", "name files or URLs that the workers see, without --follow", USAGE
        )
    if jobs > 1:
        raise PerfkitError("--jobs are processes of this machine.", "leave it out: a cluster has its own", USAGE)
