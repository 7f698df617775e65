"""Calls of the project's functions: how often each was called in which request, whatever runs it."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from request_script import ran, write

from perfkit_command import interpreter
from probe_spool import Spooled, run_with_probe

# Two ways of counting, and the versions between which the older one differs.
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
SCRIPT = """
    import asyncio
    import json
    import threading
    from contextvars import copy_context

    def plain(n):
        return [inner(one) for one in range(n)]

    def inner(one):
        return json.dumps({"one": one})

    def generates():
        value = yield 1
        yield from (value for _ in range(3))

    async def awaits():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await deeper()

    async def deeper():
        await asyncio.sleep(0)

    async def yields():
        for n in range(3):
            await asyncio.sleep(0)
            yield n

    def recursive(n):
        return n and recursive(n - 1)

    class Order:
        def __init__(self):
            self.lines = [1, 2]

        @property
        def total(self):
            return sum(map(lambda line: line * 2, self.lines))

        @staticmethod
        def made():
            def closure():
                return Order()
            return closure()

    def in_threads():
        threads = [threading.Thread(target=copy_context().run, args=(recursive, 9)) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    async def many():
        await asyncio.gather(*[awaits() for _ in range(5)])
        return [one async for one in yields()]

    def several():
        for _ in range(3):
            list(generates())

    def orders():
        return Order.made().total

    def asynchronous():
        asyncio.run(many())

    exec("def written(): return 1")
    serve(several, "GET /generates")
    serve(asynchronous, "GET /async")
    serve(in_threads, "GET /threads")
    serve(orders, "GET /order")
    serve(written, "GET /written")
    for one in range(100_000):
        recursive(0)
    plain(7)
"""
ALL = {
    "GET /generates": {"several": 1, "generates": 3},
    "GET /async": {"asynchronous": 1, "many": 1, "awaits": 5, "deeper": 5, "yields": 1},
    "GET /threads": {"in_threads": 1, "recursive": 40},
    "GET /order": {
        "orders": 1,
        "Order.__init__": 1,
        "Order.total": 1,
        "Order.total.<locals>.<lambda>": 2,
        "Order.made": 1,
        "Order.made.<locals>.closure": 1,
    },
    "": {"serve": 5, "recursive": 100_000, "plain": 1, "inner": 7},
}


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFKIT_TARGET_CALLS", "1")


def _counted(spooled: Spooled) -> dict[str, dict[str, int]]:
    """Calls by request and function; what ran outside of any request under no name."""
    endpoints = {request.number: spooled.endpoint(request) for request in spooled.requests}
    found: dict[str, Counter[str]] = {}
    for span in spooled.of("call"):
        ((function, file, line),) = spooled.site(span)
        assert Path(file).name == "script.py"
        assert line > 0
        assert span.seconds == 0
        found.setdefault(endpoints.get(span.request, ""), Counter())[function] += span.count or 0
    return {endpoint: dict(calls) for endpoint, calls in found.items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.usefixtures("counting")
def test_each_call_of_the_projects_is_counted_once(version: str, tmp_path: Path) -> None:
    _, spooled = ran(write(tmp_path / "app", SCRIPT), interpreter(version))
    assert _counted(spooled) == ALL


def test_nothing_is_counted_unasked(tmp_path: Path) -> None:
    _, spooled = ran(write(tmp_path / "app", SCRIPT))
    assert not spooled.of("call")


@pytest.mark.usefixtures("counting")
def test_a_forked_process_counts_its_own(tmp_path: Path, some_python: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import os
        def work(n):
            return n
        for _ in range(3):
            work(1)
        if os.fork() == 0:
            for _ in range(5):
                work(2)
        else:
            os.wait()
            work(3)
        """,
    )
    ended, processes = run_with_probe(script, tmp_path / "spool", some_python)
    assert ended.returncode == 0, ended.stderr
    assert sorted(sum(one.count or 0 for one in process.of("call")) for process in processes) == [4, 5]


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize(("version", "gaps"), [("3.9", 1), ("3.13", 0)])
def test_a_profiler_of_the_applications_hears_its_own(version: str, gaps: int, tmp_path: Path) -> None:
    """Before Python 3.12 there is one profile function: whoever comes later has it, and that is said."""
    script = write(
        tmp_path / "app",
        """
        import cProfile, pstats
        def work():
            return sum(one for one in range(3))
        profile = cProfile.Profile()
        profile.runcall(work)
        print(sorted({name for _, _, name in pstats.Stats(profile).stats}))
        work()
        """,
    )
    ended, (spooled,) = run_with_probe(script, tmp_path / "spool", interpreter(version))
    assert "'work'" in ended.stdout
    assert "called" not in ended.stdout
    assert len(spooled.gaps) == gaps
    assert _counted(spooled) == ({} if gaps else {"": {"work": 2}})


@pytest.mark.usefixtures("counting")
def test_a_profiler_that_was_there_first_stays(tmp_path: Path) -> None:
    script = write(tmp_path / "app", "def work(): pass\nwork()\n")
    script.write_text("import sys\nprint(sys.getprofile().__name__)\n" + script.read_text())
    python = interpreter("3.9")
    environment = tmp_path / "environment"
    subprocess.run([python, "-m", "venv", "--without-pip", environment], check=True)
    (folder,) = environment.glob("lib/python*/site-packages")
    (folder / "first.pth").write_text("import sys; sys.setprofile(lambda *about: None)\n")
    ended, (spooled,) = run_with_probe(script, tmp_path / "spool", environment / "bin/python")
    assert ended.stdout == "<lambda>\n"
    assert [gap[1] for gap in spooled.gaps] == ["another profiler runs in the target"]
    assert not spooled.of("call")


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_processes_of_multiprocessing_tell_all_they_did(version: str, method: str, tmp_path: Path) -> None:
    """They end by `os._exit`, without the functions that `atexit` has."""
    script = write(
        tmp_path / "app",
        f"""
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        from worked import work
        if __name__ == "__main__":
            here = get_context("{method}")
            with ProcessPoolExecutor(2, mp_context=here) as pool:
                print(sum(pool.map(work, range(20))))
            alone = here.Process(target=work, args=(1,))
            alone.start()
            alone.join()
        """,
        {
            "worked.py": """
            import sqlite3
            def work(n):
                database = sqlite3.connect(":memory:")
                for _ in range(3):
                    database.execute("SELECT ?", (n,)).fetchall()
                return n
            """
        },
    )
    ended, processes = run_with_probe(script, tmp_path / "spool", interpreter(version))
    assert ended.stdout == "190\n", ended.stderr
    assert sum(len(process.of("sql")) for process in processes) == 63
    calls = [span.count or 0 for process in processes for span in process.of("call")]
    assert sum(calls) == 21
