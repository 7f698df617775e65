"""sync-in-async, loop-blocked: what holds an event loop, timed as blocks and seen by samples."""

from __future__ import annotations

from typing import Any

from rule_cases import Fires, Quiet

from perfkit.model.recording import MachineUsage, Request, Span, Usage

_SYNC = "sync-in-async"
_BLOCK = "loop-blocked"

# A loop's thread below a request of the probe, and the same as a block has it: from the request on.
LOOP = "<module>@bin/uvicorn:1; run@std/asyncio/runners.py:1; RequestResponseCycle.run_asgi@lib/uvicorn/protocols/http/h11_impl.py:1"
ROUTE = "request@<perfkit>:1; route:GET /rates@<perfkit>:1; run_endpoint_function@lib/fastapi/routing.py:1"
SHOP = {
    "shop.py": """
    @app.get("/rates")
    async def rates():
        time.sleep(0.05)  #<sleep>
        return ask()  #<ask>

    def ask():
        answer = requests.get(URL)  #<get>
        subprocess.run(["convert"])  #<run>
        cursor.execute(QUERY)  #<execute>
        with open(NAME) as file:
            text = file.read()  #<read>
        return sum(score(row) for row in text)  #<compute>
    """
}


_TO_THREAD = "run_sync@lib/anyio/to_thread.py:65; run_sync_in_worker_thread@lib/anyio/_backends/_asyncio.py:2749"
# The target could run for three seconds and did for one.
_CROWDED: dict[str, Any] = {
    "machine": [
        MachineUsage(at, load=6.0, busy=2 * at, steal=0.0, throttled=None, throttled_periods=None, periods=None)
        for at in (0.0, 0.3)
    ],
    "usage": [Usage(0.0, 1, 0.0, 0, None, 1, 0, 0, 0.0), Usage(0.3, 1, 1.0, 0, None, 1, 0, 0, 2.0)],
}


def held(
    stack: str,
    *,
    blocks: int = 10,
    each: float = 0.05,
    in_flight: int = 1,
    other: float = 0.0,
    then: tuple[str, int] = ("", 0),
) -> dict[str, Any]:
    """So many blocks, one behind the other, each with as many requests in flight, which last as long as they are held up
    and `other` seconds in all that a sample must show; `then` so many at another stack."""
    spans = []
    requests = []
    stacks = [stack] * blocks + [then[0]] * then[1]
    for index, at in enumerate(stacks):
        start = index * each
        spans.append((Span(1, index + 1, "block", 0, 0, start, each, in_flight - 1), "event loop", at))
        requests += [
            Request("GET /rates", start, each, 200, "probe", 1, index * 100 + number + 1, "asgi")
            for number in range(in_flight)
        ]
    if other:
        requests.append(Request("GET /rates", len(stacks) * each, other, 200, "probe", 1, 99_999, "asgi"))
    return {"spans": spans, "requests": requests, "windows": 1}


def block(leaf: str) -> str:
    return f"route:GET /rates@<perfkit>:1; run_endpoint_function@lib/fastapi/routing.py:1; {leaf}"


_WRITES = block("rates@shop.py#ask; send@lib/uvicorn/h11.py:1; write@std/asyncio/selector_events.py:1080")

FIRES = [
    Fires(
        "time.sleep in an async handler, with nobody behind it",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#sleep 50",
        function="rates",
        at="shop.py#sleep",
        share=1.0,
        sources=SHOP,
        endpoint="GET /rates",
        options=held(block("rates@shop.py#sleep")),
    ),
    Fires(
        "time.sleep in an async handler of a machine that has no CPU left",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        function="rates",
        at="shop.py#sleep",
        share=0.5,
        sources=SHOP,
        endpoint="GET /rates",
        options={**held(block("rates@shop.py#sleep"), then=(_WRITES, 10)), **_CROWDED},
    ),
    Fires(
        "an HTTP client that waits while seven others wait behind it",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 40",
        function="ask",
        at="shop.py#get",
        share=0.909,
        inside="get@requests",
        sources=SHOP,
        endpoint="GET /rates",
        options=held(
            block(
                "rates@shop.py#ask; ask@shop.py#get; get@lib/requests/api.py:73; urlopen@lib/urllib3/connectionpool.py:790; "
                "readinto@std/socket.py:706"
            ),
            in_flight=8,
            other=0.4,
        ),
    ),
    Fires(
        "a synchronous driver whose calls the probe marks",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 40",
        function="ask",
        at="shop.py#execute",
        share=0.5,
        sources=SHOP,
        endpoint="GET /rates",
        options=held(block("rates@shop.py#ask; ask@shop.py#execute; span:sql@<perfkit>:1"), other=0.5),
    ),
    Fires(
        "a subprocess, seen by samples alone",
        _SYNC,
        """
        fastapi>; rates@shop.py#ask; ask@shop.py#run; run@std/subprocess.py:548; communicate@std/subprocess.py:1209; select@std/selectors.py:415 60
        fastapi>; rates@shop.py#ask; ask@shop.py#compute 40
        """,
        function="ask",
        at="shop.py#run",
        share=0.6,
        inside="run@Python standard library",
        sources=SHOP,
        endpoint="rates",
    ),
    Fires(
        "a file that is read",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 50",
        function="ask",
        at="shop.py#read",
        share=1.0,
        sources=SHOP,
        endpoint="GET /rates",
        options=held(block("rates@shop.py#ask; ask@shop.py#read"), in_flight=3),
    ),
    Fires(
        "a computation of the project's",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask; ask@shop.py#compute 50",
        function="ask",
        at="shop.py#compute",
        share=1.0,
        sources=SHOP,
        endpoint="GET /rates",
        options=held(block("rates@shop.py#ask; ask@shop.py#compute"), in_flight=4),
    ),
    Fires(
        "the same computation again and again, on a machine that has no CPU left",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask; ask@shop.py#compute 50",
        function="ask",
        at="shop.py#compute",
        share=0.5,
        sources=SHOP,
        endpoint="GET /rates",
        options={
            **held(block("rates@shop.py#ask; ask@shop.py#compute"), blocks=10, then=(_WRITES, 10)),
            **_CROWDED,
        },
    ),
    Fires(
        "a library that computes for the project",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 30",
        function="ask",
        at="shop.py#compute",
        share=0.625,
        inside="predict@learner",
        sources=SHOP,
        endpoint="GET /rates",
        options=held(block("rates@shop.py#ask; ask@shop.py#compute; predict@lib/learner/model.py:9"), other=0.3),
    ),
    Fires(
        "work between requests holds up those that wait",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 30",
        function="refresh",
        at="jobs.py:7",
        share=0.769,
        sources=SHOP,
        options=held("refresh@jobs.py:7", in_flight=2, other=0.3),
    ),
]

QUIET = [
    Quiet("a handler that awaits", _SYNC, f"{LOOP}; {ROUTE}; rates@shop.py#ask 100", sources=SHOP),
    Quiet(
        "the same call in a pool's thread",
        _SYNC,
        "run@lib/anyio/_backends/_asyncio.py:1; request@<perfkit>:1; route:GET /rates@<perfkit>:1; rates@shop.py#sleep 100\n"
        "thread loop; fastapi>; index@shop.py#compute 10",
        sources=SHOP,
    ),
    Quiet(
        "the loop writes to its own socket",
        _SYNC,
        "fastapi>; rates@shop.py#ask; write@lib/uvicorn/h11.py:1; write@std/asyncio/selector_events.py:1080; send@std/asyncio/selector_events.py:1 100",
        sources=SHOP,
    ),
    Quiet(
        "handing work to a thread, seen by a loop that had no CPU",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options=held(block(f"rates@shop.py#ask; {_TO_THREAD}; start@std/threading.py:969; wait@std/threading.py:629")),
    ),
    Quiet(
        "a file that a loop without a CPU was twice seen to read",
        _SYNC,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options={**held(block("rates@shop.py#ask; ask@shop.py#read"), blocks=2, then=(_WRITES, 40)), **_CROWDED},
    ),
    Quiet("time.sleep in a server with threads", _SYNC, "flask>; rates@shop.py#sleep 100", sources=SHOP),
    Quiet(
        "a loop that a request runs for itself",
        _SYNC,
        "flask>; run@std/asyncio/runners.py:1; rates@shop.py#sleep 100",
        sources=SHOP,
    ),
    Quiet(
        "a deep copy that holds the loop has its own rule",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options=held(block("rates@shop.py#ask; ask@shop.py#compute; deepcopy@std/copy.py:128")),
    ),
    Quiet("computing that nothing timed as a block", _BLOCK, f"{LOOP}; {ROUTE}; ask@shop.py#compute 100", sources=SHOP),
    Quiet(
        "a call that waits has its own rule",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options=held(block("rates@shop.py#sleep")),
    ),
    Quiet(
        "handing work to a thread is no computing, either",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options=held(
            block(f"rates@shop.py#ask; {_TO_THREAD}; put_nowait@std/queue.py:191; notify@std/threading.py:382")
        ),
    ),
    Quiet(
        "the loop's own socket is written to",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options=held(block("rates@shop.py#ask; send@lib/uvicorn/h11.py:1; write@std/asyncio/selector_events.py:1080")),
    ),
    Quiet(
        "one of many places at which a loop without a CPU stood",
        _BLOCK,
        f"{LOOP}; {ROUTE}; rates@shop.py#ask 10",
        sources=SHOP,
        options={
            **held(block("rates@shop.py#ask; ask@shop.py#compute"), blocks=10, then=(_WRITES, 30)),
            **_CROWDED,
        },
    ),
]
