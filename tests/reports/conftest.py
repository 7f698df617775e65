"""Reports built by hand: a server with three findings, an empty one, a script, hostile names, a cProfile one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from perfkit.model.analysis import (
    Analysis,
    EndpointTime,
    FunctionTime,
    Pressure,
    ProcessTime,
    Slice,
    SpanUse,
    StackTime,
)
from perfkit.model.counted import Counted, Neighbour
from perfkit.model.finding import (
    Advice,
    Check,
    Confidence,
    Cost,
    Evidence,
    Expected,
    Finding,
    Inside,
    MemoryFinding,
    Place,
    Silence,
    Silenced,
    SilencedMemory,
)
from perfkit.model.growth import Growing, Jump, LineGrowth, Memory, ProcessMemory, Trend
from perfkit.model.recording import Call, Frame, Gap, Run, SourceText, StackTable
from perfkit.model.report import Accounting, Report
from perfkit.model.zoom import LineTotal, Zoomed

ROOT = "/srv/shop"
VIEWS = f"{ROOT}/shop/views.py"
DJANGO = f"{ROOT}/.venv/lib/python3.12/site-packages/django"
STDLIB = "/usr/lib/python3.12"

RUN = Run(
    perfkit_version="0.1.0",
    mode="run",
    engine="py-spy",
    command="gunicorn shop.wsgi -w 4",
    cwd=ROOT,
    project=(ROOT,),
    started=1795246560.25,
    duration=30.2,
    rate=200.0,
    cores=2,
    platform="Linux-6.8-x86_64",
    ready_at=1.2,
    warmup=1.0,
    exclude=("GET /health",),
    workload="perfkit load http://127.0.0.1:8000/orders",
    exit_code=0,
    stopped_by="signal",
    commit="3f2a91c0d1e2f3a4b5c6",
    sealed=True,
)

SERVER_STACKS = (
    (f"main@app orders@{VIEWS}:35 ForwardManyToOneDescriptor.__get__@{DJANGO}/db/models/fields/related.py:260", 5.5),
    (
        f"main@app orders@{VIEWS}:35 QuerySet.get@{DJANGO}/db/models/query.py:633 Query.add_q@{DJANGO}/sql/query.py:9",
        1.1,
    ),
    (f"main@app report@{VIEWS}:48", 0.7),
    (f"main@app report@{VIEWS}:49", 0.2),
    (f"main@app page@{VIEWS}:60 Template.__init__@{DJANGO}/template/base.py:141", 1.0),
    (f"main@app page@{VIEWS}:61 JSONEncoder.encode@{STDLIB}/json/encoder.py:200", 1.5),
)


def frames(text: str) -> tuple[Frame, ...]:
    return tuple(_frame(word) for word in text.split(" "))


def _frame(word: str) -> Frame:
    function, _, place = word.partition("@")
    if place == "app":
        return Frame(function, f"{ROOT}/manage.py", 12, "app")
    file, _, line = place.rpartition(":")
    origin = "library" if "site-packages" in file else "stdlib" if file.startswith(STDLIB) else "app"
    return Frame(function, file, int(line), origin)


def analysis_of(stacks: list[tuple[tuple[Frame, ...], float]], **changes: object) -> Analysis:
    """Times and functions follow from the stacks; everything else is empty unless given."""
    table = StackTable()
    times = []
    selfs: dict[Frame, float] = {}
    totals: dict[Frame, float] = {}
    for stack, seconds in stacks:
        times.append(StackTime(table.intern(stack), seconds, round(seconds * 200), None, 0, "running", {0: seconds}))
        selfs[stack[-1]] = selfs.get(stack[-1], 0.0) + seconds
        for frame in set(stack):
            totals[frame] = totals.get(frame, 0.0) + seconds
    functions = tuple(
        FunctionTime(
            frame.function,
            frame.file,
            frame.line,
            selfs.get(frame, 0.0),
            total,
            "Django" if "/django/" in frame.file else None,
            frame.origin,
        )
        for frame, total in sorted(totals.items(), key=lambda item: (-item[1], item[0].function, item[0].line))
    )
    measured = sum(seconds for _, seconds in stacks)
    plain = Analysis(
        run=RUN,
        kind="server",
        unit="request-seconds",
        measured=measured,
        serving_seconds=10.0,
        startup_seconds=1.2,
        idle_seconds=4.0,
        background_seconds=0.0,
        stacks=table,
        times=tuple(times),
        startup={},
        holders=(),
        blocked=(),
        gil_wait=0.0,
        endpoints=(),
        functions=functions,
        slices=(),
        processes=(),
        process_times=(),
        pressure=None,
        files={},
        sources=(),
        samples=round(measured * 200),
        windows=30,
    )
    return replace(plain, **changes)


def finding(rank: int, severity: str, title: str, **changes: object) -> Finding:
    plain = Finding(
        key=f"rule-{rank}:orders:GET /orders",
        rule=f"rule-{rank}",
        title=title,
        severity=severity,
        confidence=Confidence("high", "1,240 samples in 30 windows agree."),
        cost=Cost(seconds=0.9, share=0.069, per_request=0.0034, basis="sampled", low=0.8, high=1.0),
        rank=rank,
        endpoint="GET /report",
        where=Place(VIEWS, 48, "report", "app"),
        inside=None,
        evidence=(Evidence("400 rows are searched in a list that grows to 400 items.", 400, "rows", n=190),),
        advice=Advice("Make `seen` a set: a look-up then costs the same for 10 and for 400 rows."),
        expected=Expected(0.85, 0.82, 0.93, "modelled"),
    )
    return replace(plain, **changes)


def report_of(analysis: Analysis, findings: tuple[Finding, ...] = (), **changes: object) -> Report:
    explained = sum(f.cost.seconds for f in findings)
    plain = Report(
        headline="No finding above 1% of request time.",
        analysis=analysis,
        findings=findings,
        silenced=(),
        checks=(
            *(Check(f.rule, "found") for f in findings),
            Check("regex-in-loop", "clean"),
            Check("gc-pause", "clean"),
            Check("n-plus-one", "not_run", "no SQL spans."),
        ),
        accounting=Accounting(analysis.measured, explained, analysis.measured - explained),
        gaps=(Gap("Memory growth.", "Nothing read allocations.", "--memory"),),
        overhead=0.012,
    )
    return replace(plain, **changes)


N_PLUS_ONE = finding(
    1,
    "high",
    "N+1: customer and product are loaded once per row",
    rule="lazy-load",
    key="lazy-load:orders:GET /orders",
    endpoint="GET /orders",
    confidence=Confidence("certain", "Counted, not sampled; 190 of 190 requests agree."),
    cost=Cost(seconds=6.5, share=0.65, per_request=0.0379, basis="timed", low=6.2, high=6.8),
    where=Place(VIEWS, 35, "orders", "app"),
    inside=Inside(
        f"{DJANGO}/db/models/fields/related.py", 260, "ForwardManyToOneDescriptor.__get__", "Django", "5.1.4"
    ),
    evidence=(
        Evidence("Same 2 statements × 60 in 570 of 570 requests: 1 + 60 + 60 = 121 queries.", 121, "queries", n=570),
        Evidence("Share of the cost that is Python, not the database", 0.96, "share", n=4215),
        Evidence("The third claim", 3, "calls", where=Place(VIEWS, 36, "orders", "app")),
    ),
    advice=Advice(
        'Order.objects.select_related("customer", "product")',
        '- for o in Order.objects.all()[:60]:\n+ for o in Order.objects.select_related("customer", "product")[:60]:',
    ),
    expected=Expected(6.3, 6.0, 6.52, "modelled"),
)

QUADRATIC = finding(2, "medium", "Quadratic loop: 400 rows searched in a growing list")

TEMPLATE = finding(
    3,
    "low",
    "Template compiled on every request",
    confidence=Confidence("medium", "210 samples."),
    cost=Cost(seconds=0.14, share=0.014, per_request=0.0008, basis="sampled", low=0.09, high=0.2),
    where=Place(VIEWS, 60, "page", "app"),
    expected=None,
)


@pytest.fixture
def server() -> Report:
    analysis = analysis_of(
        [(frames(text), seconds) for text, seconds in SERVER_STACKS],
        endpoints=(
            EndpointTime("GET /orders", 6.82, 0.682, 190, 0.0381, 0.0524, 0.0611, 121.0, "load"),
            EndpointTime("GET /report", 1.19, 0.119, 190, 0.0066, 0.009, 0.0101, 1.0, "load"),
            EndpointTime("GET /page", 0.65, 0.065, 190, 0.0036, 0.0052, 0.0058, 1.0, "load"),
        ),
        slices=(
            Slice("ORM Python", 0.58),
            Slice("database", 0.14),
            Slice("waiting", 0.05),
            Slice("other Python", 0.23),
        ),
        process_times=(
            ProcessTime(811, "gunicorn: master", "3.12.3", 0.4, 31_000_000, 12_000_000, 60, 1),
            ProcessTime(812, "gunicorn: worker", "3.12.3", 9.6, 62_000_000, 50_000_000, 2000, 2),
        ),
        pressure=Pressure(load=4.3, cores=2, busy=0.97, steal=0.0, throttled=None, runqueue=0.11),
        requests=570,
        latency=(0.014, 0.052, 0.061),
        failed_requests=2,
        notes=("load 4.3 on 2 cores: times may be high; shares and counts hold.",),
    )
    return report_of(
        analysis,
        (N_PLUS_ONE, QUADRATIC, TEMPLATE),
        headline="GET /orders runs 121 queries per request. That one loop is 65% of all request time.",
        silenced=(
            Silenced(finding(4, "info", "Known cost"), Silence("rule-4", "*", "accepted in March", "2027-03-01")),
        ),
        html=".perfkit/latest.html",
        recording=".perfkit/latest.perfkit",
    )


@pytest.fixture
def empty() -> Report:
    return report_of(analysis_of([(frames(text), 1.0) for text, _ in SERVER_STACKS]))


@pytest.fixture
def script() -> Report:
    run = replace(RUN, command="python import_orders.py", stopped_by="target", exit_code=3, commit=None, workload=None)
    analysis = analysis_of(
        [(frames(text), seconds) for text, seconds in SERVER_STACKS], run=run, kind="script", unit="wall seconds"
    )
    plain = replace(QUADRATIC.cost, per_request=None)
    found = replace(QUADRATIC, rank=1, cost=plain, endpoint=None)
    return report_of(analysis, (found,), headline="report() takes 0.9 s of 10 s.")


ATTACK = (
    "</script></style></code><img src=x onerror=alert(1)>\"'`|\x1b[31m\r\n;\u202e**b** [a](http://evil.example) @team"
)


@pytest.fixture
def hostile() -> Report:
    """Every text that a stranger can choose is an attack, a statement's as well."""
    place = Place(f"{ROOT}/{ATTACK}.py", 7, ATTACK, "app")
    stack = (Frame(ATTACK, f"{ROOT}/{ATTACK}.py", 7, "app"),)
    run = replace(RUN, command=ATTACK, workload=ATTACK, commit=ATTACK, platform=ATTACK, exclude=(ATTACK,), cwd=ATTACK)
    route, leaf = mark(f"route:{ATTACK}"), Frame(ATTACK, "<sql>", 0, "native")
    analysis = analysis_of(
        [(stack, 2.0), ((route, *stack, leaf), 1.0), ((route, Frame(ATTACK, "<pool>", 0, "native")), 0.5)],
        run=run,
        endpoints=(
            EndpointTime(ATTACK, 2.0, 1.0),
            EndpointTime(ATTACK, 2.0, 0.5, 3, 0.1, 0.2, 0.3, 2.0, "probe", 1),
        ),
        slices=(Slice(ATTACK, 1.0),),
        process_times=(ProcessTime(1, ATTACK, ATTACK, 1.0, 1000, None, 5, 1),),
        notes=(ATTACK,),
    )
    analysis = replace(
        analysis,
        uses=(use(analysis, ATTACK, 2, ATTACK, 1.0, {2: 3}),),
        memory=memory_of(ATTACK, f"{ROOT}/{ATTACK}.py"),
        zoomed=(zoomed_of(ATTACK, f"{ROOT}/{ATTACK}.py"),),
        counted=(counted_of(ATTACK, f"{ROOT}/{ATTACK}.py"),),
        sources=(SourceText(f"{ROOT}/{ATTACK}.py", 5, f"def f():\n    {ATTACK}\n    pass"),),
    )
    found = finding(
        1,
        "high",
        ATTACK,
        key=ATTACK,
        rule=ATTACK,
        endpoint=ATTACK,
        confidence=Confidence("low", ATTACK),
        where=place,
        inside=Inside(ATTACK, 3, ATTACK, ATTACK, ATTACK),
        evidence=(Evidence(ATTACK, ATTACK, ATTACK, n=1, where=place), Evidence(ATTACK, 1, ATTACK)),
        advice=Advice(ATTACK, f"- {ATTACK}\n+ ```\n+ {ATTACK}"),
    )
    return report_of(
        analysis,
        (found,),
        headline=ATTACK,
        silenced=(Silenced(found, Silence(ATTACK, ATTACK, ATTACK, ATTACK)),),
        checks=(Check(ATTACK, "not_run", ATTACK), Check(ATTACK, "clean")),
        gaps=(Gap(ATTACK, ATTACK, ATTACK),),
        recording=ATTACK,
        html=ATTACK,
        memory=(leak(ATTACK, place),),
        silenced_memory=(SilencedMemory(leak(ATTACK, place), Silence(ATTACK, ATTACK, ATTACK, ATTACK)),),
    )


@pytest.fixture
def leaking(server: Report) -> Report:
    """A server whose memory was followed."""
    analysis = replace(server.analysis, memory=memory_of("shop.views.SEEN", VIEWS))
    return replace(server, analysis=analysis, memory=(leak("shop.views.SEEN", Place(VIEWS, 12, "", "app")),))


@pytest.fixture
def zoomed(server: Report) -> Report:
    """A server of which one function was followed line by line."""
    source = SourceText(
        VIEWS, 5, "def orders():\n    total = 0\n    for row in rows:\n        total += row\n    return total"
    )
    analysis = replace(server.analysis, zoomed=(zoomed_of("orders", VIEWS),), sources=(source,))
    return replace(server, analysis=analysis)


@pytest.fixture
def weighed(server: Report, zoomed: Report) -> Report:
    """The same, with samples of a line, and what tracemalloc saw of its lines, of another function and of a library."""
    other = SourceText(VIEWS, 14, "def listed(rows):\n    return [row for row in rows]")
    analysis = analysis_of([((Frame("orders", VIEWS, 8, "app"),), 2.0)])
    library = LineGrowth("", "/venv/lib/python3.12/site-packages/lib.py", 3, "library", 9, 8_000_000, 25.0, 1000, 0)
    grown = (
        LineGrowth("orders", VIEWS, 8, "app", 30_000, 3_000_000, 25.0, 1000, 1),
        LineGrowth("listed", VIEWS, 15, "app", 10_000, 1_000_000, 25.0, 1000, 1),
        LineGrowth("orders", VIEWS, 9, "app", 1_000, 100_000, 25.0, 1000, 1),
        library,
    )
    analysis = replace(
        analysis,
        times=tuple(replace(time, n=7) for time in analysis.times),
        zoomed=zoomed.analysis.zoomed,
        sources=(*zoomed.analysis.sources, other),
        memory=replace(memory_of("shop.views.SEEN", VIEWS), allocated=grown),
    )
    return replace(server, analysis=analysis)


def zoomed_of(name: str, file: str) -> Zoomed:
    lines = (LineTotal(6, 20, 0.1), LineTotal(7, 2020, 0.4), LineTotal(8, 2000, 1.5))
    return Zoomed(name, file, 5, "app", 20, lines)


def memory_of(name: str, file: str) -> Memory:
    trend = Trend(40_000.0, 35_000.0, 45_000.0, 55.0, True)
    readings = tuple((at / 4, 60_000_000 + 10_000 * at) for at in range(240))
    process = ProcessMemory(
        2, 812, name, 60_000_000, 62_400_000, 90_000_000, 31.5, 50_000_000, readings, trend, 1200, {name: 2000.0}
    )
    return Memory(
        processes=(process,),
        growing=(
            Growing(name, "dict", file, 12, (2,), 5200, 5000, 2_000_000, 50.0, 25, True, 1000, None, None, None),
            Growing(f"{name}()", "lru_cache", file, 20, (2,), 128, 60, 9_000, 50.0, 25, False, 1000, 128, 7, 190),
        ),
        jumps=(Jump(31.0, 2, 62_000_000, 90_000_000, 1, 2),),
        limit=512_000_000,
        total=tuple((float(at), 90_000_000 + 40_000 * at) for at in range(60)),
    )


def leak(name: str, where: Place) -> MemoryFinding:
    return MemoryFinding(
        key=f"memory-leak:views.py:{name}",
        rule="memory-leak",
        title=f"{name} keeps growing with the requests",
        severity="high",
        confidence=Confidence("high", name),
        rank=1,
        bytes=2_000_000,
        per_request=2000.0,
        to_limit=10_300.0,
        endpoint=name,
        where=where,
        evidence=(Evidence(f"dict {name} with 5,200 entries.", 5000, "entries", n=25),),
        advice=Advice(f"give `{name}` a limit"),
    )


def mark(name: str) -> Frame:
    return Frame(name, "<perfkit>", 1, "native")


def use(
    analysis: Analysis,
    text: str,
    time: int,
    endpoint: str | None,
    seconds: float,
    counts: dict[int, int],
    **more: object,
) -> SpanUse:
    """Executions of a statement whose seconds are those of `analysis.times[time]`; one takes 1, at most 4 ms, and reads
    two rows."""
    count = sum(each * requests for each, requests in counts.items())
    stack = analysis.times[time - 1].stack
    plain = SpanUse(
        kind="sql",
        text=text,
        sample=text.replace("select", "SELECT"),
        system="postgresql",
        endpoint=endpoint,
        stack=stack,
        count=count,
        seconds=seconds,
        spent=seconds,
        percentiles=(0.001, 0.002, 0.003, 0.004),
        rows=2 * count,
        fetch=0.0,
        counts=counts,
        distinct=count,
    )
    return replace(plain, **more)


@pytest.fixture
def executions() -> Callable[..., SpanUse]:
    return use


CUSTOMER = "select id, name from customer where id = ?"
ORDERS = "select id, customer_id, product_id, state, created, updated, remarks, amount from shop_order where state = ? limit ?"


@pytest.fixture
def probed() -> Report:
    """What the probe timed of two routes, beside samples: a statement in a loop, one at two places, a pool, a blocked loop."""
    server = (Frame("main", f"{ROOT}/manage.py", 12, "app"), mark("request"))
    orders = (mark("route:GET /orders/<int:id>"), Frame("orders", VIEWS, 35, "app"))
    page = (mark("route:GET /page"), Frame("page", VIEWS, 60, "app"))
    analysis = analysis_of(
        [
            ((*orders, Frame(CUSTOMER, "<sql>", 0, "native")), 6.0),
            ((*orders, Frame(ORDERS[:60], "<sql>", 0, "native")), 1.0),
            ((*page, Frame(ORDERS[:60], "<sql>", 0, "native")), 0.5),
            ((*page, Frame("postgresql db:5432/shop", "<pool>", 0, "native")), 0.7),
            ((*server, *orders, mark("span:sql"), Frame("execute", f"{DJANGO}/db/utils.py", 9, "library")), 0.4),
            ((*server, *orders), 0.6),
            ((*server, Frame("Session.load", f"{DJANGO}/sessions.py", 7, "library")), 0.3),
            ((*page, Frame("requests wait for the event loop", "<loop>", 0, "native")), 0.3),
            ((Frame("garbage collection", "<gc>", 0, "native"),), 0.2),
        ],
        endpoints=(
            EndpointTime("GET /orders/<int:id>", 8.0, 0.8, 100, 0.0381, 0.0524, 0.0611, 61.0, "probe", 2),
            EndpointTime("GET /page", 1.8, 0.18, 100, 0.0036, 0.0052, 0.0058, 1.0, "probe"),
            EndpointTime("GET /orders/7", 9.0, 0.8, 100, 0.04, 0.06, 0.07, None, "load"),
        ),
        requests=200,
        latency=(0.014, 0.052, 0.061),
    )
    uses = (
        use(analysis, CUSTOMER, 1, "GET /orders/<int:id>", 6.0, {60: 100}),
        use(analysis, ORDERS, 2, "GET /orders/<int:id>", 1.0, {1: 100}, sample=ORDERS, distinct=None),
        use(analysis, ORDERS, 3, "GET /page", 0.5, {1: 50}, percentiles=(0.01, 0.02, 0.03, 0.04), rows=None),
        use(analysis, "postgresql db:5432/shop", 4, "GET /page", 0.7, {1: 100}, kind="pool", rows=None),
    )
    return report_of(replace(analysis, uses=uses))


@pytest.fixture
def deterministic() -> Report:
    """From cProfile: calls instead of stacks."""
    root, leaf = _frame("main@app"), _frame(f"report@{VIEWS}:48")
    with_functions = analysis_of([((root, leaf), 3.0)])
    analysis = replace(
        with_functions,
        run=replace(RUN, engine="cprofile"),
        times=(),
        stacks=StackTable(),
        calls=(Call(0, None, root, 1, 1, 0.0, 3.0), Call(0, root, leaf, 400, 400, 3.0, 3.0)),
    )
    return report_of(analysis, (replace(QUADRATIC, rank=1),))


@pytest.fixture
def long_names() -> Report:
    """A path, a title and advice that no line of 90 columns can hold."""
    file = f"{ROOT}/" + "/".join(f"package_{i:02}_with_a_long_name" for i in range(8)) + "/views.py"
    where = Place(file, 12345, "Handler." + "inner_" * 20 + "call", "app")
    found = finding(1, "high", "Title " + "word " * 30 + "end", where=where, advice=Advice("advice " * 40 + "stop"))
    return report_of(analysis_of([(frames("main@app"), 9.0)]), (found,), headline="Headline " * 20 + "over")


@pytest.fixture
def counted(server: Report) -> Report:
    """A server of which one function's calls were counted."""
    return replace(server, analysis=replace(server.analysis, counted=(counted_of("orders", VIEWS),)))


def counted_of(name: str, file: str) -> Counted:
    function = Frame(name, file, 5, "app")
    route = Frame(f"route:GET /{name}", "<perfkit>", 13, "native")
    callers = (
        Neighbour(Frame(f"view.<locals>.{name}", file, 31, "app"), 1200),
        Neighbour(function, 700),
        Neighbour(route, 99),
        Neighbour(None, 1),
    )
    native = Frame("list.append", "<built-in>", 0, "native")
    cold = [Neighbour(Frame(f"cold{n}", file, 50 + n, "app"), 1) for n in range(50)]
    return Counted(function, 2000, 700, callers, (Neighbour(native, 3950), *cold), 1.5, 10)
