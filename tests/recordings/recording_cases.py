"""Recordings to write and read: a run, and one of every noun."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from perfkit.model.distribution import Distribution
from perfkit.model.memory import Allocation, Container, Garbage, Heap, Import, LineBytes, LineTime, MemoryUse, Rise
from perfkit.model.plan import Index, IndexAdvice, NotPlanned, Plan, PlanNode, RedundantIndex
from perfkit.model.recording import (
    Call,
    Frame,
    Gap,
    MachineUsage,
    Process,
    Request,
    Run,
    Sample,
    SourceFile,
    SourceText,
    Span,
    SpanName,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)
from perfkit.model.sqllog import Digest, Histogram, LoggedPlan, Repeats, Session, SqlLog, Worst
from perfkit.recordings import Writer

RUN = Run(
    perfkit_version="0.1.0",
    mode="run",
    engine="py-spy",
    command="gunicorn shop.wsgi -w 4",
    cwd="/srv/shop",
    project=("/srv/shop", "/srv/lib"),
    started=1_790_000_000.25,
    duration=30.5,
    rate=200.0,
    cores=2,
    platform="Linux x86_64",
    ready_at=1.5,
    warmup=2.0,
    exclude=("migrations",),
    workload="GET /orders",
    exit_code=-15,
    stopped_by="signal",
    sampler_cpu=0.25,
    commit="a1b2c3d",
)
MAIN = Frame("main", "/srv/shop/app.py", 3, "app")
LOAD = Frame("load", "/srv/shop/app.py", 35, "app")
PARSE = Frame("parse", "/usr/lib/python3.11/re.py", 0, "stdlib")
PROCESS = Process(1, 811, None, "gunicorn", "3.11", -0.5, 30.0, "/srv/shop")
THREADS = (Thread(1, 1, 812, "MainThread"), Thread(2, 1, None, "worker"))
WINDOW = Window(1, 1, "wall", 0.5, 1.0, 100.0, 97, 1, 2)
THREAD_USAGE = (ThreadUsage(1, 1, 0.25, 0.125), ThreadUsage(1, 2, 0.5, 0.0))
USAGE = (
    Usage(0.5, 1, 1.25, 62_000_000, 51_000_000, 3, 10, 2, 0.5),
    Usage(1.5, 1, 2.0, 63_000_000, None, 3, 11, 2, None),
)
MACHINE = (MachineUsage(0.5, 4.3, 1.5, 0.25, 0.5, 3, 10), MachineUsage(1.5, 4.2, 2.5, 0.25, None, None, None))
REQUESTS = (
    Request("GET /orders", 0.5, 0.0381, 200),
    Request("GET /page", 0.75, 0.005, 0),
    Request("GET /orders/<id>", 0.5, 0.0375, 200, "probe", 1, 7, "wsgi", 0.0125, 5120),
    Request("shop.tasks.mail", 0.75, 0.5, 0, "probe", 1, 8, "task"),
)
NAMES = (SpanName(1, "SELECT * FROM orders WHERE id = ?", "postgresql"), SpanName(2, "page.html", ""))
CALLS = (Call(1, None, MAIN, 1, 1, 0.5, 2.0), Call(1, MAIN, PARSE, 60, 30, 1.5, 1.5))
LINES = (
    LineTime(1, "main", "/srv/shop/app.py", 3, 2, 4, 60, 1.5),
    LineTime(1, "main", "/srv/shop/app.py", 3, 2, 5, 0, 0.0),
)
MEMORY = (
    MemoryUse(0.5, 1, 62_000_000, 51_000_000, 40_000_000, 48_000_000, 0.25),
    MemoryUse(0.75, 1, 62_500_000, None),
)
HEAPS = (
    Heap(0.5, 1, 3, 50_000_000, 90_000, 8_000_000, 9_000_000, 20_000_000, 1_000_000, 0, 300, 4, 6_000, 0.25, 0.0125),
    Heap(2.5, 1, 3, 50_000_000, 90_000, None, None, None, None, None, 310, 4, 6_100, 0.375, 0.001),
)
CONTAINERS = (
    Container(0.5, 1, "shop.SEEN", "dict", "/srv/shop/app.py", 7, 4_000, 400_000),
    Container(0.5, 1, "shop.price_of()", "lru_cache", "/srv/shop/app.py", 9, 128, 9_000, 128, 3, 4_000),
)
FILES = (
    SourceFile("/srv/shop/app.py", "app"),
    SourceFile("/usr/lib/python3.11/re.py", "stdlib"),
    SourceFile("/venv/jinja2/env.py", "library", "Jinja2", "3.1.4"),
)
SOURCES = (SourceText("/srv/shop/app.py", 1, "def main():\n    load()\n"),)
GAP = Gap("query plans", "no DSN", "give --dsn URL")
FINGERPRINT = "select * from orders where customer = ?"
DIGEST = Digest(
    fingerprint=FINGERPRINT,
    system="postgresql",
    time=Distribution(3, 30_500, 500, 20_000, [500, 10_000, 20_000]),
    rows_examined=40_000,
    first=1_790_000_001.5,
    last=1_790_000_002.5,
    users=Counter(shop=2, admin=1),
    over_time=Histogram(60, {29_833_333: 3}, {29_833_333: 30_500}),
    worst=Worst(FINGERPRINT, 20_000, 1_790_000_002.5, Session("shop", "shop", "gunicorn", "10.0.0.7"), ("7", None)),
    plan=LoggedPlan("Seq Scan on orders", 20_000),
    repeats=Repeats(1, 3, 30_500, 3, Counter({"select ?": 1})),
)
LOG = SqlLog(
    "postgresql",
    ("postgresql-stderr",),
    (("/var/log/postgresql.log", 4_096),),
    {FINGERPRINT: DIGEST},
    events=3,
    lines=5,
    unparsed=1,
    examples=("\x1b[31m?",),
    first=1_790_000_001.5,
    last=1_790_000_002.5,
)
INDEX = Index("orders_pkey", "orders", ("id",), unique=True, primary=True)
PLAN = Plan(
    "postgresql",
    "18.1",
    FINGERPRINT,
    FINGERPRINT,
    PlanNode(
        "Limit",
        cost=8.5,
        children=(PlanNode("Seq Scan", "orders", conditions=(("filter", "customer = ?"),), cost=8.0),),
    ),
    raw='[{"Plan": {}}]',
    parameters="generic",
    tables={"orders": 40_000},
    indexes=(INDEX,),
    advice=(IndexAdvice("orders", ("customer",), "CREATE INDEX …", "reads 40,000 rows", "hypopg", 8.5, 0.5),),
    redundant=(RedundantIndex(INDEX, "orders_other", "DROP INDEX …"),),
)
NOT_PLANNED = NotPlanned("select ?", "select 1", "permission denied", "grant SELECT")


def spans_of(writer: Writer) -> tuple[Span, ...]:
    """At a stack of its own, at one that samples share, and at none; with and without what may be unknown."""
    own, shared = writer.intern((MAIN, PARSE)), writer.intern((MAIN, LOAD))
    return (
        Span(1, 7, "sql", 1, own, 0.5, 0.0125, 3, -(2**63)),
        Span(1, 7, "render", 2, shared, 0.525, 0.0, 0),
        Span(1, 0, "gc", 2, 0, -0.25, 0.125, key=7),
    )


def rises_of(writer: Writer) -> tuple[Rise, ...]:
    return (Rise(1.25, 1, 62_000_000, 90_000_000, "MainThread", writer.intern((MAIN, LOAD))),)


def garbage_of(writer: Writer) -> tuple[Garbage, ...]:
    return (
        Garbage(1.5, 1, writer.intern((MAIN, LOAD)), 0, 424, 90_000, "shop.Node 212, dict 212", "/srv/shop/app.py", 5),
        Garbage(2.5, 1, 0, 2, 7, 0, "", "", 0),
    )


def imports_of(writer: Writer) -> tuple[Import, ...]:
    return (Import(1.5, 1, writer.intern((MAIN,)), 30_000_000, 0.5), Import(1.5, 1, 0, 900_000, 0.25))


def line_bytes_of(writer: Writer) -> tuple[LineBytes, ...]:
    return (
        LineBytes(1, writer.intern((MAIN, LOAD)), "load", "/srv/shop/app.py", 0, 36, 7, 90_000_000, 90_000_000),
        LineBytes(1, 0, "main", "/srv/shop/app.py", 3, 4, 60, 12_288, 8_192),
    )


def allocations_of(writer: Writer) -> tuple[Allocation, ...]:
    return (
        Allocation(1, writer.intern((MAIN, LOAD)), 0.5, 2.0, 300, 90_000),
        Allocation(1, 0, 0.5, 2.0, -3, -12_288),
    )


def write_everything(path: Path) -> None:
    """A sealed recording that holds every noun, with three samples of 97 rounds."""
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    for thread in THREADS:
        writer.thread(thread)
    samples = [
        Sample(1, 1, writer.intern((MAIN, LOAD, PARSE)), 60, 0.625),
        Sample(1, 1, writer.intern((MAIN, LOAD)), 37, 0.375),
        Sample(1, 2, writer.intern(()), 97, 1.0),
    ]
    writer.window(WINDOW, samples, THREAD_USAGE)
    writer.usage(USAGE)
    for row in MACHINE:
        writer.machine(row)
    writer.requests(REQUESTS)
    for name in NAMES:
        writer.name(name)
    writer.spans(spans_of(writer))
    writer.calls(CALLS)
    writer.lines(LINES)
    writer.line_bytes(line_bytes_of(writer))
    writer.allocations(allocations_of(writer))
    writer.memory(MEMORY)
    writer.rises(rises_of(writer))
    writer.containers(CONTAINERS)
    writer.heaps(HEAPS)
    writer.garbage(garbage_of(writer))
    writer.imports(imports_of(writer))
    for file in FILES:
        writer.file(file)
    for source in SOURCES:
        writer.source(source)
    writer.gap(GAP)
    writer.gap(GAP)
    writer.log(LOG)
    writer.plans([PLAN], [NOT_PLANNED])
    writer.seal(RUN)
