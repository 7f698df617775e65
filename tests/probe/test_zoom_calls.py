"""Calls, callers and callees are exact, in all threads, and the target is afterwards what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    ("hot", "leaf"): N * 13,
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
    ("leaf", "len"): N * (13 + 10 + 10 + 3 + 5) + 2 + 24 + 4,
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
