"""Hits of lines are exact, seconds belong to the line that spent them, and the target is afterwards what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfkit_command import interpreter
from zoomed_programs import Program, calls, hits, seconds


@pytest.fixture(params=("3.9", "3.11"))
def some_old_python(request: pytest.FixtureRequest) -> str:
    """Those in which code is swapped."""
    return interpreter(request.param)


EVERYTHING = """
    import asyncio, contextlib, functools, threading

    def fib(n):  # zoom 4 * 177
        if n < 2:  # 4 * 177
            return n  # 4 * 89
        return fib(n - 1) + fib(n - 2)  # 4 * 88

    def numbers(n):  # zoom 5
        for i in range(n):  # 5 * 11
            got = yield i  # 5 * 10
        return n  # 5

    def through(n):  # zoom 2
        found = yield from numbers(n)  # 2
        yield found  # 2

    # Python 3.12 begins some lines anew after an exception: they have no number here.
    def thrown_into():  # zoom 1
        while True:
            try:  # 2
                yield 1  # 2
            except KeyError:  # 2
                seen = 1  # 1

    def raising(x):  # zoom 7
        if x:  # 7
            raise ValueError(x)  # 6
        return x  # 1

    def catching():  # zoom 1
        for i in range(7):  # 8
            try:  # 7
                raising(i)  # 7
            except KeyError:  # 6
                pass
            except ValueError as error:  # 6
                seen = error  # 6
            else:
                seen = None  # 1
            finally:
                last = i  # 7

    def passing():  # zoom 3
        raising_deep(2)  # 3

    def raising_deep(n):  # zoom 9
        if n == 0:  # 9
            raise LookupError  # 3
        raising_deep(n - 1)  # 6

    def outer(n):  # zoom 2
        total = 0  # 2
        def inner(x):  # 2
            nonlocal total
            total += x  # 2 * 5
            return total  # 2 * 5
        for x in range(n):  # 2 * 6
            inner(x)  # 2 * 5
        return inner  # 2

    def maker():
        def made(x):  # zoom 30
            return x + 1  # 30
        return made

    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args):
            return 2 * function(*args)
        return wrapper

    @doubled  # zoom 6
    @functools.lru_cache(maxsize=None)
    def decorated(x):
        '''A docstring is no line.'''
        return x  # 6

    class Thing:
        def method(self, n):  # zoom 4
            while n:  # 4 * 4
                n -= 1  # 4 * 3
                if n == 1:  # 4 * 3
                    continue  # 4
                self.last = n  # 4 * 2
            return self  # 4

        @staticmethod  # zoom 3
        def static():
            return 1  # 3

        @classmethod  # zoom 3
        def of_class(cls):
            return super().__name__ if False else 1  # 3

        @property  # zoom 3
        def prop(self):
            return super().__hash__()  # 3

    square = lambda x: x * x  # zoom 25

    @contextlib.contextmanager  # zoom 4 + 2
    def managed():
        yield 1  # 4 + 2

    def managing():  # zoom 4
        with managed() as one:  # 4 * 2
            seen = one  # 4
        return seen  # 4

    async def nap(n):  # zoom 20
        for i in range(n):  # 20 * 4
            await asyncio.sleep(0)  # 20 * 3
        return n  # 20

    async def ticks(n):  # zoom 5
        for i in range(n):  # 5 * 4
            await asyncio.sleep(0)  # 5 * 3
            yield i  # 5 * 3

    class Lock:
        async def __aenter__(self):  # zoom 5
            await asyncio.sleep(0)  # 5
        async def __aexit__(self, *error):  # zoom 5
            await asyncio.sleep(0)  # 5

    async def work():  # zoom 5
        async for tick in ticks(3):  # 5 * 4
            last = tick  # 5 * 3
        async with Lock():  # 5 * 2
            last = await nap(3)  # 5
        return last  # 5

    async def left_early():  # zoom 2
        for i in range(3):  # 2
            with managed():  # 2 * 2
                yield i  # 2
                return  # 2

    async def cancelled():  # zoom 1
        try:  # 1
            await asyncio.sleep(60)
        finally:
            seen = True  # 1

    async def main():
        assert await asyncio.gather(*[work() for _ in range(5)]) == [3] * 5
        await asyncio.gather(*[nap(3) for _ in range(15)])
        assert [i async for i in left_early()] == [0]
        assert [i async for i in left_early()] == [0]
        task = asyncio.ensure_future(cancelled())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    def swallowed(call, *args):
        try:
            return call(*args)
        except Exception as error:
            return type(error)

    def run():
        threads = [threading.Thread(target=fib, args=(10,)) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert [list(numbers(10)) for _ in range(3)] == [list(range(10))] * 3
        assert [list(through(10)) for _ in range(2)] == [[*range(10), 10]] * 2
        generator = thrown_into()
        next(generator)
        assert generator.throw(KeyError()) == 1
        generator.close()
        catching()
        assert [swallowed(passing) for _ in range(3)] == [LookupError] * 3
        assert [outer(5)(0) for _ in range(0)] == [] and [outer(5) for _ in range(2)]
        assert sum(maker()(x) for x in range(30)) == 465
        assert [decorated(x) for x in range(6)] == [0, 2, 4, 6, 8, 10]
        things = [Thing().method(3) for _ in range(4)]
        assert [(Thing.static(), Thing.of_class(), things[0].prop != 0) for _ in range(3)] == [(1, 1, True)] * 3
        assert sum(map(square, range(25))) == 4900
        assert [managing() for _ in range(4)] == [1] * 4
        asyncio.run(main())
"""


def test_every_hit_is_counted_once(tmp_path: Path, python: str) -> None:
    program = Program(tmp_path, EVERYTHING)
    _, counted = program.run(python)
    assert counted["gaps"] == []
    assert calls(counted) == program.chosen()
    found = hits(counted)
    lambda_line, nested = program.line("square ="), program.line("total += x")
    assert found.pop(lambda_line) == 25
    wanted = program.hits()
    # Nobody asked for the function inside of `outer`.
    del wanted[nested], wanted[nested + 1]
    assert {line: found.get(line) for line in wanted} == wanted
    names = {function["function"] for function in counted["functions"]}
    assert {"maker.<locals>.made", "Thing.method", "Thing.prop", "<lambda>", "Lock.__aenter__"} <= names
    assert counted["version"] == 1 and counted["ended"] >= counted["began"]


SLOW = """
    import asyncio, time

    def waits():  # zoom 1
        time.sleep(0.1)  # once
        time.sleep(0.2)  # twice
        below(0.2)  # called

    def below(t):
        time.sleep(t)

    def recursive(n):  # zoom 3
        if n:
            recursive(n - 1)  # below
        else:
            time.sleep(0.1)  # deepest

    def fails():
        time.sleep(0.2)
        raise KeyError

    def unwound():  # zoom 1
        before = 1
        fails()  # unwound here
        after = 1  # never

    def caught():  # zoom 1
        try:
            unwound()  # raised through
        except KeyError:
            after = 1  # handled
        return after  # afterwards

    def gives():  # zoom 1
        yield 1  # given
        time.sleep(0.1)  # between
        yield 2  # given again

    async def awaits():  # zoom 1
        await asyncio.sleep(0.3)  # suspended
        await busy()  # runs below
        async with Slow():  # enters
            pass
        time.sleep(0.1)  # blocks

    async def busy():
        time.sleep(0.1)
        await asyncio.sleep(0.3)

    class Slow:
        async def __aenter__(self):
            await asyncio.sleep(0.3)
        async def __aexit__(self, *error):
            time.sleep(0.1)

    def fetched():
        for i in range(2):
            time.sleep(0.1)
            yield i

    def loops():  # zoom 1
        total = 0
        for row in fetched():  # header
            total += row  # body
        with closing():  # manager
            return total  # left early

    class closing:
        def __enter__(self):
            pass
        def __exit__(self, *error):
            time.sleep(0.1)

    def run():
        waits()
        recursive(2)
        caught()
        for one in gives():
            time.sleep(0.3)
        asyncio.run(awaits())
        loops()
"""


def test_seconds_are_those_of_the_line_that_spent_them(tmp_path: Path, python: str) -> None:
    program = Program(tmp_path, SLOW)
    _, counted = program.run(python)
    spent = seconds(counted)

    def of(text: str) -> float:
        return spent.get(program.line(text), 0.0)

    unit = of("# once")
    for text, units in {
        "# twice": 2,
        "# called": 2,
        "# below": 2,  # one for each call that waits for another
        "# deepest": 1,
        "# unwound here": 2,
        "# raised through": 2,
        "# between": 1,
        "# runs below": 1,
        "# enters": 1,
        "# blocks": 1,
        "# header": 2,
        "# manager": 1,
    }.items():
        assert units * 0.6 < of(text) / unit < units * 1.6, (text, of(text), unit)
    for text in ("# handled", "# afterwards", "# given", "# given again", "# suspended", "# body", "# left early"):
        number = [n for n, line in enumerate(program.lines, 1) if line.endswith(text)]
        assert sum(spent.get(one, 0.0) for one in number) < unit / 2, text
    assert program.line("# never") not in spent


UNCHANGED = """
    import asyncio, inspect, sys, traceback

    def fails(n):  # zoom 1
        try:
            if n == 0:
                raise ValueError("deep")
            fails(n - 1)
        finally:
            n = None

    def plain(a, *, b: int = 2) -> "int":  # zoom 1
        '''What it does.'''
        c = a
        return sorted(locals().items())

    def gives():  # zoom 1
        try:
            got = yield 1
            yield got
        except KeyError as error:
            yield str(error)

    async def inner():  # zoom 1
        try:
            await asyncio.sleep(0)
            raise LookupError("inside")
        finally:
            await asyncio.sleep(0)

    async def outer():  # zoom 1
        try:
            await inner()
        except LookupError:
            print(shown(traceback.format_exc()))
            raise OSError("instead")

    def shown(text):
        return [line for line in text.splitlines() if not line.strip().startswith(("^", "~"))]

    class Held:
        def __del__(self):
            print("gone")

    def holds():  # zoom 1
        held = Held()
        del held
        print("after")
        other = Held()
        return [1]

    def speaks():
        print(plain(1, b=3))
        print(inspect.signature(plain), plain.__doc__, plain.__annotations__, plain.__defaults__, plain.__kwdefaults__)
        print(inspect.isgeneratorfunction(gives), inspect.iscoroutinefunction(outer), plain.__qualname__)
        code = plain.__code__
        print(code.co_firstlineno, code.co_filename == __file__, code.co_argcount, code.co_freevars, code.co_cellvars)
        generator = gives()
        print(next(generator), generator.send("sent"), generator.throw(KeyError("thrown")), list(generator))
        print(holds())
        try:
            fails(2)
        except ValueError:
            print(shown(traceback.format_exc()))
        try:
            asyncio.run(outer())
        except OSError:
            print(shown(traceback.format_exc()))

    def run():
        speaks()
        print("SECOND")

    def after():
        speaks()
"""


def test_the_target_sees_no_difference(tmp_path: Path, python: str) -> None:
    program = Program(tmp_path, UNCHANGED)
    printed, counted = program.run(python)
    zoomed, _, without = printed.partition("SECOND\n")
    assert zoomed == without
    assert "inside" in zoomed and "deep" in zoomed
    assert len(counted["functions"]) == len(program.chosen()) and counted["gaps"] == []


UNDONE = """
    import sys
    kept = []

    def one(n):  # zoom 2
        return n

    def made():
        def nested():  # zoom 1
            return 1
        return nested

    class Thing:
        def method(self):  # zoom 1
            return self

    def endless():  # zoom 1
        while True:
            yield 1

    def codes():
        nested = [one for one in made.__code__.co_consts if hasattr(one, "co_code")]
        return [one.__code__, made.__code__, Thing.method.__code__, *nested]

    before = codes()

    def run():
        global generator, closure
        one(1), one(2), Thing().method()
        closure = made()
        closure()
        generator = endless()
        next(generator)

    def after():
        print([code is other for code, other in zip(codes(), before)], closure.__code__ is before[3])
        print(next(generator), one(3))
        if sys.version_info >= (3, 12):
            print([sys.monitoring.get_tool(n) for n in range(6)])
        del globals()["generator"]
"""


def test_everything_is_undone(tmp_path: Path, python: str) -> None:
    program = Program(tmp_path, UNDONE)
    printed, counted = program.run(python)
    lines = printed.splitlines()
    assert lines[0] == f"{[True] * 4} True"
    assert lines[1] == "1 3"
    assert lines[2:] in ([], [str([None] * 6)])
    assert calls(counted) == program.chosen()


LATER = """
import importlib, json, sys
sys.path.append({probe!r})
from perfkit_probe import zoom_lines
zoom_lines.start({chosen!r})
import program
code = program.work.__code__
while sys.version_info < (3, 12) and program.work.__code__ is code:
    zoom_lines.look_again()
for _ in range(3):
    program.run()
zoom_lines.stop()
print("COUNTED " + json.dumps(zoom_lines.counted()))
"""


def test_what_is_imported_later_is_counted(tmp_path: Path, python: str) -> None:
    program = Program(
        tmp_path,
        """
        import sys
        def work(n: int):  # zoom 3
            for i in range(n):  # 3 * 3
                last = i  # 3 * 2
        def run():
            work(2)
        """,
    )
    _, counted = program.run(python, frame=LATER)
    assert calls(counted) == program.chosen()
    assert hits(counted) == program.hits()


@pytest.mark.parametrize("way", ["trace", "profile", "threads", "cprofile", "twice"])
def test_one_tracer_at_a_time(tmp_path: Path, python: str, way: str) -> None:
    """A second one is refused with a reason, and the first goes on undisturbed."""
    program = Program(
        tmp_path,
        f"""
        import cProfile, sys, threading
        sys.path.append(sys.path[-1])
        from perfkit_probe import zoom_lines
        way = {way!r}
        def trace(*args):
            return None
        def work():  # zoom 0
            return 1
        profile = cProfile.Profile()
        chosen = [(work.__code__.co_filename, work.__code__.co_firstlineno)]
        def again():
            if way == "trace":
                sys.settrace(trace)
            elif way == "profile":
                sys.setprofile(trace)
            elif way == "threads":
                threading.settrace(trace)
            elif way == "cprofile":
                profile.enable()
            zoom_lines.start(chosen)
            work()
            if way == "trace":
                assert sys.gettrace() is trace
            if way == "profile":
                assert sys.getprofile() is trace
            sys.settrace(None), sys.setprofile(None), threading.settrace(None), profile.disable()
        """,
    )
    frame = """
import json, sys
sys.path.append({probe!r})
import program
if program.way == "twice":
    program.zoom_lines.start({chosen!r})
program.again()
print("COUNTED " + json.dumps(program.zoom_lines.counted()))
program.zoom_lines.stop()
"""
    printed, counted = program.run(python, frame=frame)
    assert printed == ""
    ((what, why, remedy),) = counted["gaps"]
    assert what and why and remedy
    assert sum(calls(counted).values()) == (1 if way == "twice" else 0)


def test_a_source_that_is_no_longer_what_runs_is_left_alone(tmp_path: Path, some_old_python: str) -> None:
    program = Program(
        tmp_path,
        """
        def changed(n):  # zoom 0
            return n
        def same(n):  # zoom 1
            return n
        def deleted(n):  # zoom 0
            return n
        path = __file__
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("return n", "return n + 1", 1).replace("def deleted", "def other"))
        def run():
            print(changed(1), same(1), deleted(1))
        """,
    )
    printed, counted = program.run(some_old_python)
    assert printed.splitlines() == ["1 1 1"]
    assert [function["function"] for function in counted["functions"]] == ["same"]
    assert len(counted["gaps"]) == 2 and {"changed" in gap[0] or "deleted" in gap[0] for gap in counted["gaps"]} == {
        True
    }


def test_a_cell_that_is_busy_is_told(tmp_path: Path, python: str) -> None:
    """A line that has not ended yet has the time that it has taken so far."""
    program = Program(
        tmp_path,
        """
        import time
        from perfkit_probe import zoom_lines
        def long():  # zoom 1
            time.sleep(0.1)
            look()  # still going on
        def look():
            time.sleep(0.2)
            (function,) = zoom_lines.counted()["functions"]
            (_, first), (_, second) = [(line, seconds) for line, hits, seconds in function["lines"]]
            print(1.2 < second / first < 4)
        def run():
            long()
        """,
    )
    printed, _ = program.run(python)
    assert printed == "True\n"


def test_code_may_be_sent_to_another_process(tmp_path: Path, some_old_python: str) -> None:
    """As cloudpickle does with functions of the main script: it runs where nothing of the probe is."""
    program = Program(
        tmp_path,
        """
        import pickle, subprocess, sys
        def work(n):  # zoom 1
            with open(__file__):
                for i in range(n):
                    yield i
                return locals()
        double = lambda n: 2 * n  # zoom 0
        def plain(n):  # zoom 0
            with open(__file__):
                return n
        class Code:
            def __init__(self, code):
                self.code = code
            def __reduce__(self):
                return tuple, (self.code.co_consts,)
        def run():
            list(work(2))
            for code in (work.__code__, double.__code__, plain.__code__):
                sent = pickle.dumps(Code(code))
                words = "import pickle, sys; print(len([one for one in pickle.load(sys.stdin.buffer) if hasattr(one, 'enter')]))"
                print(subprocess.run([sys.executable, "-I", "-c", words], input=sent, capture_output=True).stdout)
            function = type(run)(code.replace(co_consts=pickle.loads(sent)), globals())
            print(function(7))
        """,
    )
    printed, counted = program.run(some_old_python)
    assert printed.split() == [*["b'1\\n'"] * 3, "7"]
    assert calls(counted) == program.chosen()
