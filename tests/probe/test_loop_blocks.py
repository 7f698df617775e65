"""What holds an event loop up is a span with the stack of the culprit, taken while it did."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from request_script import ran, write

from environments import NEW, Environment
from perfkit.collectors.probe_events import SpanEvent
from probe_spool import Spooled, run_with_probe

CALLS = """
    import asyncio, sys, time
    from perfkit_probe import asgi, frames

    def crunch(seconds):
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            sum(range(500))

    async def handler(path):
        if path == "/block":
            crunch(0.12)
        elif path == "/sleep":
            time.sleep(0.12)
        elif path == "/many":
            for _ in range(20):
                crunch(0.004)
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.15)

    async def application(scope, receive, send):
        path = scope["path"]
        if path == "/child":
            await asyncio.create_task(handler("/block"))
        else:
            await frames.async_route("GET " + path)(handler, (path,), {})

    application = asgi.served(application)

    async def call(path):
        await application({"type": "http", "method": "GET", "path": path}, None, None)
"""
RUN = """
    import warnings
    if "uvloop" in sys.argv:
        import uvloop
        warnings.simplefilter("ignore")
        uvloop.install()
    def run(main, **options):
        asyncio.run(main, **options)
"""


def _long(process: Spooled) -> list[SpanEvent]:
    """Those that the programs here make; on a busy machine any turn of a loop may take a while."""
    return [span for span in process.of("block") if span.seconds > 0.07]


def _blocks(process: Spooled) -> list[tuple[int, list[str], int | None]]:
    return [(span.request, [name for name, _, _ in process.site(span)], span.count) for span in _long(process)]


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_culprit_and_who_waits(tmp_path: Path, loop: str) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + RUN
        + """
    async def main():
        await asyncio.gather(call("/fine"), call("/fine"), call("/fine"), call("/block"), call("/sleep"))
        await call("/many")
    run(main())
    """,
    )
    _, process = ran(script, sys.executable, loop)
    number = {process_request.start: process_request.number for process_request in process.requests}
    by_start = [number[start] for start in sorted(number)]
    first, second = _long(process)
    (crunches, sleeps) = _blocks(process)
    assert crunches[0] == by_start[3]
    assert crunches[1] == ["request", "route:GET /block", "handler", "crunch"][-len(crunches[1]) :]
    assert crunches[1][0] == "route:GET /block"
    assert process.site(first)[0][1] == "<perfkit>"
    assert sleeps[:2] == (by_start[4], ["route:GET /sleep", "handler"])
    assert process.name(first) == "event loop"
    # The three that sleep had begun; the fifth came behind the culprit.
    assert (crunches[2], sleeps[2]) == (3, 3)
    for block, request in ((first, by_start[3]), (second, by_start[4])):
        (whole,) = [one for one in process.requests if one.number == request]
        assert 0.8 * whole.seconds < block.seconds
        assert block.seconds > 0.1


def test_work_that_belongs_to_no_step(tmp_path: Path, loop: str) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + RUN
        + """
    async def background():
        await asyncio.sleep(0.05)
        crunch(0.12)
    def callback():
        crunch(0.13)
    async def main():
        task = asyncio.create_task(background())
        asyncio.get_running_loop().call_later(0.35, callback)
        await asyncio.gather(call("/fine"), call("/fine"), task)
        await asyncio.gather(call("/fine"), call("/fine"))
        await call("/fine")
        await call("/child")
    def started_by():
        run(main())
    started_by()
    """,
    )
    _, process = ran(script, sys.executable, loop)
    in_task, in_callback, in_child = _blocks(process)
    # What started the loop is no culprit: the stacks end above it.
    assert (in_task, in_callback) == ((0, ["background", "crunch"], 2), (0, ["callback", "crunch"], 1)) or (
        in_callback[:2] == (0, ["callback", "crunch"]) and in_task == (0, ["background", "crunch"], 2)
    )
    assert in_child[1] == ["handler", "crunch"]
    known = process.requests[-1].number if sys.version_info >= (3, 12) else 0
    assert in_child[0] == known


@pytest.mark.real
def test_uvloop_tells_whose_task_it_was(tmp_path: Path, environment: Callable[[Environment], Path]) -> None:
    script = write(tmp_path / "app", CALLS + RUN + "\n    run(call('/child'))\n")
    for name in ("asyncio", "uvloop"):
        _, process = ran(script, environment(NEW), name)
        ((request, stack, waiting),) = _blocks(process)
        assert (request, stack, waiting) == (process.requests[0].number, ["handler", "crunch"], 0)


def test_two_loops_in_two_threads_and_one_later(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + RUN
        + """
    import threading
    def first():
        run(call("/block"))
    def second():
        run(call("/sleep"), debug=True)
    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(call("/sleep"))
    """,
    )
    ended, (process,) = run_with_probe(script, tmp_path / "spool", python)
    assert ended.returncode == 0, ended.stderr
    assert not process.gaps
    found = sorted((request, stack[:2]) for request, stack, _ in _blocks(process))
    routes = {
        request.number: process.site(span)[0][0]
        for request in process.requests
        for span in _long(process)
        if span.request == request.number
    }
    assert sorted(routes.values()) == ["route:GET /block", "route:GET /sleep", "route:GET /sleep"]
    assert len(found) == 3


def test_a_loop_run_again_and_again_within_itself(tmp_path: Path) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + """
    def turn_within(loop):
        # What nest_asyncio does: a loop is turned inside of a callback of its own.
        task = asyncio.current_task()
        asyncio.tasks._leave_task(loop, task)
        inner = asyncio.ensure_future(call("/block"), loop=loop)
        while not inner.done():
            loop._run_once()
        loop.call_soon(int)
        loop._run_once()
        asyncio.tasks._enter_task(loop, task)
        return inner.result()
    async def outer(scope, receive, send):
        turn_within(asyncio.get_running_loop())
        crunch(0.1)
    outer = asgi.served(outer)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(call("/fine"))
    time.sleep(0.1)
    print(time.monotonic())
    time.sleep(0.1)
    loop.run_until_complete(outer({"type": "http", "method": "GET", "path": "/outer"}, None, None))
    """,
    )
    out, process = ran(script)
    stacks = [stack for _, stack, _ in _blocks(process)]
    assert len(stacks) == 2
    # Between two runs nothing was held up.
    assert not [span for span in process.of("block") if span.start < float(out) < span.start + span.seconds]
    assert stacks[-1][-2:] == ["outer", "crunch"]


def test_no_thread_without_a_request_and_none_beside_a_fork(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + """
    import os, subprocess, warnings
    warnings.simplefilter("error")
    def threads():
        return len(os.listdir("/proc/self/task"))
    async def nothing():
        crunch(0.05)
        await asyncio.sleep(0)
    asyncio.run(nothing())
    seen = [threads()]
    def child():
        if threads() == 1:
            asyncio.run(call("/block"))
        from perfkit_probe import spool
        spool.flush()
        os._exit(0)
    async def forks():
        for _ in range(20):
            await call("/short")
            seen.append(threads())
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
            subprocess.run(["true"], preexec_fn=lambda: None)
            seen.append(threads())
    def handler_of_short():
        return None
    asyncio.run(forks())
    pid = os.fork()
    if not pid:
        child()
    os.waitpid(pid, 0)
    print(seen[0], set(seen[1::2]), set(seen[2::2]))
    """.replace("await call", "await call"),
    )
    text = script.read_text().replace("await asyncio.sleep(0.15)", "await asyncio.sleep(0.002)")
    script.write_text(text)
    ended, processes = run_with_probe(script, tmp_path / "spool", python)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert ended.stdout == "1 {2} {1}\n"
    parent = [process for process in processes if len(process.requests) == 20]
    assert len(parent) == 1
    (forked,) = [process for process in processes if len(process.requests) == 1]
    ((_, stack, _),) = _blocks(forked)
    assert stack == ["route:GET /block", "handler", "crunch"]


def test_c_code_that_keeps_the_interpreter_lock_is_seen_right_behind_it(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        CALLS
        + """
    began = time.perf_counter()
    sum(range(3_000_000))
    n = int(3_000_000 * 0.2 / (time.perf_counter() - began))  # a fifth of a second, however fast the interpreter is
    def heavy():
        return sum(range(n))
    async def counts(scope, receive, send):
        heavy()
        await asyncio.sleep(0)
    counts = asgi.served(counts)
    async def main():
        for _ in range(5):
            await counts({"type": "http", "method": "GET", "path": "/"}, None, None)
    asyncio.run(main())
    """,
    )
    _, process = ran(script, python)
    stacks = [stack[:2] for _, stack, _ in _blocks(process)]
    # The look may come too late on a machine that runs other things; it never shows anything else.
    assert stacks.count(["request", "counts"]) + stacks.count([]) == len(stacks) == 5
    assert stacks.count([]) < 3
    assert [request for request, _, _ in _blocks(process)] == [request.number for request in process.requests]
