"""Options that several commands have, each with its environment variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.target import Workload


def flag(*names: str, help: str, env: str, **settings: Any) -> Any:
    """A typer option that can also be given by the environment variable PERFKIT_`env`."""
    return typer.Option(*names, help=help, envvar=f"PERFKIT_{env}", **settings)


Quiet = Annotated[bool, flag("--quiet", "-q", help="Say nothing but errors and the result.", env="QUIET")]
Debug = Annotated[bool, flag("--debug", help="Show perfkit's own tracebacks.", env="DEBUG")]
Color = Annotated[str, flag("--color", help="auto, always or never.", env="COLOR", metavar="WHEN")]
Output = Annotated[str | None, flag("--output", "-o", help="Where the recording goes.", env="OUTPUT", metavar="FILE")]
Open = Annotated[bool, flag("--open", help="Open the HTML report in a browser.", env="OPEN")]

Duration = Annotated[
    float | None,
    flag("--duration", "-d", help="Stop and report after this many seconds.", env="DURATION", metavar="SECONDS"),
]
Rate = Annotated[
    float,
    flag(
        "--rate",
        help="Samples per second; twice as many at first, fewer where they cost too much.",
        env="RATE",
        metavar="N",
    ),
]
Warmup = Annotated[float, flag("--warmup", help="Leave out the first seconds.", env="WARMUP", metavar="SECONDS")]
Exclude = Annotated[
    list[str] | None,
    flag("--exclude", help="Leave out an endpoint (health checks). Repeatable.", env="EXCLUDE", metavar="NAME"),
]
Project = Annotated[
    list[str] | None,
    flag(
        "--project",
        help="Where the project's own code lies, if not in the working directory. Repeatable.",
        env="PROJECT",
        metavar="FOLDER",
    ),
]
PathMap = Annotated[
    list[str] | None,
    flag(
        "--path-map",
        help="A folder of the container as this machine names it: /app=./src. Repeatable.",
        env="PATH_MAP",
        metavar="FOLDER=FOLDER",
    ),
]
Load_ = Annotated[
    list[str] | None,
    flag("--load", help="Send requests to this URL while measuring. Repeatable.", env="LOAD", metavar="URL"),
]
Requests = Annotated[
    int | None, flag("--requests", help="Stop after this many requests of --load.", env="REQUESTS", metavar="N")
]
Concurrency = Annotated[
    int, flag("--concurrency", help="Clients of --load at the same time.", env="CONCURRENCY", metavar="N")
]
While = Annotated[
    str | None, flag("--while", help="Measure as long as this shell command runs.", env="WHILE", metavar="COMMAND")
]
Ready = Annotated[
    str | None, flag("--ready", help="Begin when this URL or port answers.", env="READY", metavar="URL|PORT")
]
ReadyTimeout = Annotated[
    float, flag("--ready-timeout", help="How long to wait for that.", env="READY_TIMEOUT", metavar="SECONDS")
]

Memory = Annotated[
    bool, flag("--memory", help="Follow memory: what grows, what takes much at once, and where.", env="MEMORY")
]
Tracemalloc = Annotated[
    bool,
    flag(
        "--tracemalloc",
        help="With --memory: which lines' allocations stay. Code that allocates becomes many times slower.",
        env="TRACEMALLOC",
    ),
]
TracemallocFrames = Annotated[
    int | None,
    flag(
        "--tracemalloc-frames",
        help="How many frames of each allocation it keeps, 1 to 64; more lead to who called a library, and cost more.",
        env="TRACEMALLOC_FRAMES",
        metavar="N",
    ),
]
Lines = Annotated[
    bool, flag("--lines", help="Count hits and seconds of each line of the hottest functions.", env="LINES")
]
Sql = Annotated[
    bool,
    flag(
        "--sql",
        help="Bring the probe in: requests, routes, statements, blocked loops; with --memory, what grows.",
        env="SQL",
    ),
]
Calls = Annotated[
    bool, flag("--calls", help="Count calls of the hottest functions, who calls them, and what they call.", env="CALLS")
]
Yes = Annotated[bool, flag("--yes", "-y", help="Do not ask before code is brought into the process.", env="YES")]
KeepLiterals = Annotated[
    bool, flag("--keep-literals", help="Keep the values in statements, which may be secrets.", env="KEEP_LITERALS")
]
Format = Annotated[
    str,
    flag(
        "--format",
        "-f",
        help="terminal, concise, json, markdown or html; for other viewers speedscope, collapsed, pstats, pprof, chrome, firefox, lprof or mprof.",
        env="FORMAT",
        metavar="NAME",
    ),
]
Top = Annotated[int | None, flag("--top", help="Show this many statements.", env="TOP", metavar="N")]
Sort = Annotated[str, flag("--sort", help="By total, count, mean, p95 or rows.", env="SORT", metavar="NAME")]
SaveDigest = Annotated[
    str | None,
    flag("--save-digest", help="Write a digest that perfkit merge adds up.", env="SAVE_DIGEST", metavar="FILE"),
]
Dsn = Annotated[
    str | None,
    flag(
        "--dsn",
        help="A database to ask for plans: postgresql://…, mysql://…, sqlite:///FILE.",
        env="DSN",
        metavar="URL",
    ),
]


def check_sort(sort: str) -> None:
    """Raises PerfkitError (2) for what reports cannot sort statements by."""
    from perfkit.reports.queries import SORTS

    if sort not in SORTS:
        raise PerfkitError(f"--sort {sort} is not known.", f"choose one of {', '.join(SORTS)}", USAGE)


def check_color(color: str) -> None:
    if color not in ("auto", "always", "never"):
        raise PerfkitError(f"--color {color} is not known.", "choose auto, always or never", USAGE)


def check_one_tracer(lines: bool, calls: bool) -> None:
    """Raises PerfkitError (2): each would count what the other does."""
    if lines and calls:
        raise PerfkitError("--lines and --calls do not count at once.", "give one of them, then the other", USAGE)


def frames_of(tracemalloc: bool, frames: int | None, *, memory: bool, outside: str | None) -> int:
    """How many frames of each allocation are kept, 0 for none. `outside` says what to do where nothing of perfkit is in
    the target. Raises PerfkitError (2)."""
    from perfkit.collectors.allocations import FRAMES, MOST_FRAMES

    if frames is not None and not tracemalloc:
        raise PerfkitError("--tracemalloc-frames needs --tracemalloc.", "add it, or leave both out", USAGE)
    if not tracemalloc:
        return 0
    if not memory:
        raise PerfkitError("--tracemalloc is a part of --memory.", "add --memory", USAGE)
    if outside is not None:
        raise PerfkitError("--tracemalloc works inside the target, where the probe is.", outside, USAGE)
    if frames is not None and not 1 <= frames <= MOST_FRAMES:
        raise PerfkitError(f"--tracemalloc-frames {frames} is out of range.", f"give 1 to {MOST_FRAMES}", USAGE)
    return FRAMES if frames is None else frames


def at_least(name: str, value: float | None, least: float) -> None:
    """Raises PerfkitError (2) for a number below what makes sense."""
    if value is not None and not value >= least:
        raise PerfkitError(f"{name} {value:g} is too small.", f"give {least:g} or more", USAGE)


def workload(
    load: list[str] | None,
    requests: int | None,
    concurrency: int,
    command: str | None,
    ready: str | None = None,
    ready_timeout: float = 60.0,
) -> Workload:
    """What drives the target, as the options say."""
    from perfkit.model.target import Load, Workload

    return Workload(
        load=Load(tuple(load), requests, concurrency) if load else None,
        command=command,
        ready=ready,
        ready_timeout=ready_timeout,
    )


def check_load(context: typer.Context, urls: list[str] | None, ready: str | None = None) -> None:
    """Raises PerfkitError (2) for a URL that leads nowhere, and for words about a load that is not there."""
    from perfkit.targets.address import parse
    from perfkit.targets.ready import Ready

    for name in ("requests", "concurrency"):
        source = context.get_parameter_source(name)
        if not urls and source is not None and source.name == "COMMANDLINE":
            raise PerfkitError(f"--{name} needs --load.", "add --load URL, or leave it out", USAGE)
    for url in urls or ():
        parse(url)
    if ready:
        Ready(ready, None)


def path_maps(values: list[str] | None) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values or ():
        inside, separator, outside = value.partition("=")
        if not (inside and separator and outside):
            raise PerfkitError(f"--path-map {value} has no '='.", "write --path-map /app=./src", USAGE)
        from pathlib import Path

        pairs.append((inside, str(Path(outside).resolve())))
    return tuple(pairs)
