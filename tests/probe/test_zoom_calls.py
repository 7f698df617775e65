"""Calls, callers and callees are exact, in all threads, and the target is afterwards what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfkit_command import interpreter
from zoomed_programs import Program

Edges = dict[tuple[str, str], int]
FRAME = """
import json, sys
sys.path.append({probe!r})
from perfkit_probe import zoom_calls
import program
zoom_calls.{start}({chosen!r})
try:
    program.run()
finally:
    zoom_calls.stop()
print("COUNTED " + json.dumps(zoom_calls.counted()))
if hasattr(program, "after"):
    program.after()
"""


def edges(counted: dict[str, Any]) -> Edges:
    """By the last part of the names, which all Pythons know. What calls the chosen functions from outside is (None, …)."""
    found: Edges = {}
    for (_, _, callee), callers in counted["functions"]:
        for caller, (_, calls, own, total) in callers:
            assert own is None and total is None
            key = ("" if caller is None else short(caller[2]), short(callee))
            found[key] = found.get(key, 0) + calls
    return found


def short(name: str) -> str:
    return name.rpartition(".")[2]


def counted(program: Program, python: str, *options: str, start: str = "start") -> tuple[str, dict[str, Any]]:
    return program.run(python, *options, frame=FRAME.replace("{start}", start))


EVERYTHING = """
    import asyncio, functools, threading

    def leaf(x):  # zoom 1
        return len(str(x))

    def fib(n):  # zoom 1
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def even(n):  # zoom 1
        return True if n == 0 else odd(n - 1)

    def odd(n):  # zoom 1
        return False if n == 0 else even(n - 1)

    def numbers(n):  # zoom 1
        for i in range(n):
            yield leaf(i)

    def library(x):
        return bytes.fromhex(x) and leaf(1)

    class Thing:
        @property  # zoom 1
        def prop(self):
            return leaf(1)

        @classmethod
        def cold(cls):
            return None

        def method(self, n):  # zoom 1
            self.kept = []
            for i in range(n):
                self.kept.append(i)
                self.cold()
            return self.kept.pop()

    @functools.lru_cache(maxsize=None)  # zoom 1
    def cached(x):
        return leaf(x)

    def raising(n):  # zoom 1
        if n == 0:
            raise KeyError("%d" % n)
        try:
            raising(n - 1)
        finally:
            leaf(n)

    def hot():  # zoom 1
        thing = Thing()
        for i in range(10):
            leaf(i)
            library("00")
            thing.prop
            cached(i % 2)
        thing.method(7)
        sorted([3, 2, 1], key=leaf)
        even(6), fib(6)
        try:
            raising(3)
        except KeyError as error:
            repr(error)
        assert sum(leaf(x) for x in (1, 2))
        first = [leaf(x) for x in [abs(n) for n in (1, 2)]]
        second = {leaf(x): first for x in (1, 2)}
        return list(numbers(5))

    async def nap():  # zoom 1
        await asyncio.sleep(0)
        leaf(1)
        await asyncio.sleep(0)
        return leaf(2)

    async def work():  # zoom 1
        for _ in range(3):
            await nap()
        leaf(3)

    async def main():
        await asyncio.gather(*[work() for _ in range(4)])

    def turn():
        for _ in range(25):
            hot()

    own = [leaf.__code__, hot.__code__, work.__code__]

    def run():
        going = [threading.Thread(target=turn) for _ in range(4)]
        for one in going:
            one.start()
        for one in going:
            one.join()
        asyncio.run(main())

    def after():
        import sys
        assert [one.__code__ for one in (leaf, hot, work)] == own and own[0] is leaf.__code__
        assert sys.getprofile() is None
        if sys.version_info >= (3, 12):
            assert not any(sys.monitoring.get_tool(n) for n in range(6))
"""
N = 100
EXPECTED: Edges = {
    ("turn", "hot"): N,
    ("hot", "leaf"): N * 17,
    ("hot", "abs"): N * 2,
    ("hot", "library"): N * 10,
    ("hot", "prop"): N * 10,
    ("hot", "cached"): 2,  # as long as the process lives
    ("hot", "method"): N,
    ("hot", "even"): N,
    ("hot", "fib"): N,
    ("hot", "raising"): N,
    ("hot", "sorted"): N,
    ("hot", "repr"): N,
    ("hot", "numbers"): N,
    ("<genexpr>", "leaf"): N * 2,
    ("hot", "sum"): N,
    ("library", "leaf"): N * 10,
    ("prop", "leaf"): N * 10,
    ("cached", "leaf"): 2,
    ("method", "append"): N * 7,
    ("method", "cold"): N * 7,
    ("method", "pop"): N,
    ("even", "odd"): N * 3,
    ("odd", "even"): N * 3,
    ("fib", "fib"): N * 24,
    ("raising", "raising"): N * 3,
    ("raising", "leaf"): N * 3,
    ("numbers", "leaf"): N * 5,
    ("_run", "work"): 4,
    ("work", "nap"): 12,
    ("nap", "leaf"): 24,
    ("work", "leaf"): 4,
    ("leaf", "len"): N * (19 + 10 + 10 + 3 + 5) + 2 + 24 + 4,
}


def test_every_edge_is_exact(tmp_path: Path, python: str) -> None:
    said, told = counted(Program(tmp_path, EVERYTHING), python)
    found = edges(told)
    assert {edge: found.get(edge) for edge in EXPECTED} == EXPECTED
    # Types are no functions to cProfile, and the cache is not the function in it.
    newer = {
        ("hot", "Thing"),
        ("hot", "range"),
        ("leaf", "str"),
        ("numbers", "range"),
        ("hot", "list"),
        ("hot", "lru_cache(cached)"),
    }
    newer |= {("method", "range"), ("work", "range"), ("raising", "KeyError")}
    assert found.keys() - EXPECTED.keys() <= (newer | {("nap", "sleep")})
    assert found.get(("hot", "lru_cache(cached)"), 10 * N) == 10 * N
    assert (said, told["gaps"], told["timed"], told["requests"]) == ("", [], False, None)
    assert 0 < told["seconds"] == told["ended"] - told["began"]


@pytest.fixture(params=("3.9", "3.11"))
def some_old_python(request: pytest.FixtureRequest) -> str:
    """Those in which functions get doors."""
    return interpreter(request.param)


GOING_ON = """
    import sys, threading, time

    def leaf(x):  # zoom 1
        return abs(x)

    def forever():  # zoom 1
        while going:
            leaf(1)
        profilers.append(sys.getprofile())

    going = True
    profilers = []

    def run():
        global thread
        thread = threading.Thread(target=forever)
        thread.start()
        time.sleep(0.1)

    def after():
        global going
        time.sleep(0.05)
        going = False
        thread.join()
        print(profilers, sys.getprofile())
"""


def test_a_call_that_goes_on_is_let_go(tmp_path: Path, some_python: str) -> None:
    """It began while calls were counted, and runs without them when that has ended."""
    said, told = counted(Program(tmp_path, GOING_ON), some_python)
    found = edges(told)
    assert said == "[None] None\n"
    assert found["run", "forever"] == 1
    calls = found["forever", "leaf"]
    assert calls > 10
    # What the open call does itself is told where nothing can go wrong in reading it.
    assert found.get(("leaf", "abs"), calls) in (calls, calls - 1)
    assert [what for what, _, _ in told["gaps"]] in ([], ["what 1 calls of the hottest functions called"])


SUSPENDED = """
    def part(x):
        return x

    def cold(n):
        for i in range(n):
            yield part(i)

    def numbers(n):  # zoom 1
        try:
            for i in range(n):
                part(i)
                yield i
        except KeyError:
            part(0)
            yield -1
        finally:
            part(1)

    def hot():  # zoom 1
        for one in cold(10):
            pass
        return abs(-1)

    def run():
        for _ in range(3):
            hot()
        one = numbers(5)
        next(one), next(one)
        part(7)
        one.throw(KeyError)
        one.close()
"""


def test_what_is_suspended(tmp_path: Path, python: str) -> None:
    """Nothing is charged to a generator while it waits, and what runs in it after an exception is."""
    _, told = counted(Program(tmp_path, SUSPENDED), python)
    found = edges(told)
    assert (found["run", "numbers"], found["run", "hot"], found["hot", "abs"]) == (1, 3, 3)
    assert found["numbers", "part"] == 4
    if ("hot", "cold") in found:
        assert found["hot", "cold"] == 3 and told["gaps"] == []
    else:
        (gap,) = told["gaps"]
        assert gap[0] == "how often cold were called" and "3.12" in gap[2]


REFUSED = """
    import sys
    def hot():  # zoom 1
        return abs(-1)
    def watcher(frame, event, argument):
        pass
    own = hot.__code__
    sys.setprofile(watcher)
    def run():
        hot()
        assert hot.__code__ is own and sys.getprofile() is watcher
"""


def test_another_profiler_is_left_alone(tmp_path: Path, some_python: str) -> None:
    _, told = counted(Program(tmp_path, REFUSED), some_python)
    assert told["functions"] == [] and told["ended"] is None
    (gap,) = told["gaps"]
    assert gap[0] == "calls, callers and callees" and "a profiler traces the target" in gap[1]


BESIDE = """
    import cProfile
    def leaf(x):
        return abs(x)
    def hot():  # zoom 1
        return leaf(-1)
    def run():
        hot()
        own = cProfile.Profile()
        own.runcall(hot)
        hot()
        own.create_stats()
        print(sum(calls for (_, _, name), (_, calls, *_) in own.stats.items() if name == "leaf"))
"""


def test_a_profiler_that_comes_later_goes_its_way(tmp_path: Path, python: str) -> None:
    said, told = counted(Program(tmp_path, BESIDE), python)
    assert said == "1\n"
    found = edges(told)
    assert found["run", "hot"] + found.get(("runcall", "hot"), 0) == 3
    if told["gaps"]:
        assert found["hot", "leaf"] == 2 and "another profiler" in told["gaps"][0][1]
    else:
        assert found["hot", "leaf"] == 3


FORKS = """
    import json, os
    def leaf():
        pass
    def hot():  # zoom 1
        leaf()
    def run():
        from perfkit_probe import zoom_calls
        hot(), hot()
        if os.fork() == 0:
            zoom_calls.after_fork()
            hot(), hot(), hot()
            zoom_calls.stop()
            print("child", [edge for _, callers in zoom_calls.counted()["functions"] for edge in callers][0][1][1], flush=True)
            os._exit(0)
        os.wait()
"""


def test_a_forked_process_counts_from_nothing(tmp_path: Path, some_python: str) -> None:
    said, told = counted(Program(tmp_path, FORKS), some_python, "-W", "ignore")
    assert said == "child 3\n"
    assert edges(told) == {("run", "hot"): 2, ("hot", "leaf"): 2}


MANY = """
    def hot(n):  # zoom 1
        for i in range(n):
            type("Made%d" % i, (), {})()
    def run():
        hot(6000)
"""


def test_code_that_makes_classes_fills_nothing(tmp_path: Path) -> None:
    """Their calls are counted together beyond some thousands."""
    _, told = counted(Program(tmp_path, MANY), interpreter("3.12"))
    assert {gap[0] for gap in told["gaps"]} >= {"which functions are called rarely"}
    assert len(told["functions"]) <= 2001
    found = edges(told)
    assert found["hot", "type"] == 6000 and found["hot", "(others)"] > 1000


ENOUGH = """
    import time
    def hot():  # zoom 1
        pass
    def run():
        from perfkit_probe import zoom_calls
        assert zoom_calls.counting()
        for _ in range(50):
            hot()
        zoom_calls._ENOUGH, zoom_calls._LEAST = 51, 0.0
        zoom_calls.look_again()
        assert zoom_calls.counting()
        hot()
        zoom_calls.look_again()
        assert not zoom_calls.counting()
        hot()
"""


def test_it_ends_when_it_has_seen_enough(tmp_path: Path, some_python: str) -> None:
    _, told = counted(Program(tmp_path, ENOUGH), some_python)
    assert edges(told)["run", "hot"] == 51


def test_a_script_is_counted_to_its_end(tmp_path: Path, some_python: str) -> None:
    """From its start on there is no limit."""
    program = Program(tmp_path, ENOUGH.replace("assert not zoom_calls.counting()", "assert zoom_calls.counting()"))
    _, told = counted(program, some_python, start="at_load")
    assert edges(told)["run", "hot"] == 52


def test_a_function_that_is_not_its_source_is_left_out(tmp_path: Path, some_old_python: str) -> None:
    program = Program(
        tmp_path,
        """
        def hot():  # zoom 1
            return 1
        exec(compile("def hot(): return 2", __file__, "exec"))
        def run():
            assert hot() == 2
        """,
    )
    _, told = counted(program, some_old_python)
    assert told["functions"] == []
    assert told["gaps"][0][0].startswith("calls of hot (")


def test_a_module_that_begins_with_a_function(tmp_path: Path, python: str) -> None:
    """Its code and the function's begin at the same line."""
    program = Program(
        tmp_path,
        """
        def hot(): return sum(abs(x) for x in (1, 2))  # zoom 1
        def run():
            hot()
            namespace = {"__name__": "again"}
            exec(compile(open(__file__).read(), __file__, "exec"), namespace)
            hot()
        """,
    )
    _, told = counted(program, python)
    assert edges(told) == {("run", "hot"): 2, ("hot", "sum"): 2}
