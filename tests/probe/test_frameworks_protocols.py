"""What WSGI and ASGI allow applications and servers to do with each other is the same with the probe in between."""

from __future__ import annotations

from pathlib import Path

from probe_spool import Spooled, run_with_probe

BEGINNING = "import asyncio, gc, inspect, sys, warnings\nfrom perfkit_probe import asgi, requests, routes, wsgi\n"

WSGI = """
def answered(body, **environ):
    def application(environ, start_response):
        start_response("200 OK", [])
        return body
    said = []
    served = wsgi.served(application)
    return served({"REQUEST_METHOD": "GET", **environ}, lambda status, headers: said.append(status))

class Closing:
    closed = 0
    def __init__(self, parts): self.parts = iter(parts)
    def __iter__(self): return self
    def __next__(self): return next(self.parts)
    def close(self): Closing.closed += 1

class Sized(list): pass
class Bytes(list):
    def __bytes__(self): return b"".join(self)
whole = answered(Bytes([b"abc"]))
assert bytes(whole) == b"abc"; assert list(whole) == [b"abc"]; whole.close()
class File:
    def read(self): return b""
class Wrapper:
    def __init__(self, file): self.file = file

plain = [b"abc"]
assert answered(plain) is plain
sized = answered(Sized([b"abc"]))
assert len(sized) == 1 and b"".join(sized) == b"abc"; sized.close()
assert isinstance(sized, Sized) and sized[0] == b"abc" and b"abc" in sized
unsized = answered(Closing([b"a", b"bc"]))
assert not hasattr(unsized, "__len__") and not hasattr(unsized, "__getitem__")
assert next(unsized) == b"a" and list(unsized) == [b"bc"]
unsized.close()
assert Closing.closed == 1

closed_early = answered(Closing([b"a", b"bc"]))
assert next(iter(closed_early)) == b"a"
closed_early.close()

def generated():
    try:
        yield b"abcd"
        yield b"never"
    finally:
        ended.append(requests.get_current().number)
ended = []
stopped = answered(generated())
assert next(iter(stopped)) == b"abcd"
stopped.close()
assert len(ended) == 1
del stopped

wrapped = Wrapper(File())
assert answered(wrapped, **{"wsgi.file_wrapper": Wrapper}) is wrapped
file = File()
assert answered(file, **{"wsgi.file_wrapper": lambda file: file}) is file
forgotten = answered(Closing([b"abcde"])); list(forgotten); del forgotten; gc.collect()
assert requests.get_current() is None and requests.in_flight == 0

def refuses(environ, start_response):
    start_response("200 OK", [], None)
    raise stop
for stop in (KeyError("x"), KeyboardInterrupt(), SystemExit(3)):
    try:
        wsgi.served(refuses)({}, lambda status, headers: None)
    except BaseException as error:
        assert error is stop and error.__context__ is None
assert requests.in_flight == 0
"""

STEPS = """
async def send(message): pass
SCOPE = {"type": "http", "method": "GET"}
async def answer(send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"abc"})

async def cancelled(scope, receive, send):
    try: await asyncio.sleep(60)
    except asyncio.CancelledError as error:
        seen.append(error); raise

async def catches(scope, receive, send):
    try: await asyncio.wait_for(asyncio.sleep(60), 0.01)
    except asyncio.TimeoutError: seen.append("timeout")
    await answer(send)

async def groups(scope, receive, send):
    async def part(): seen.append(requests.get_current().number)
    await asyncio.gather(part(), asyncio.create_task(part()))
    await answer(send)

async def returns(scope, receive, send):
    return (1, 2)

seen = []
async def main():
    task = asyncio.ensure_future(asgi.served(cancelled)(SCOPE, None, send))
    await asyncio.sleep(0); await asyncio.sleep(0)
    task.cancel()
    try: await task
    except asyncio.CancelledError: seen.append("out")
    assert seen[1] == "out" and task.cancelled() and requests.get_current() is None
    del seen[:]
    await asgi.served(catches)(SCOPE, None, send)
    assert seen == ["timeout"]
    del seen[:]
    await asgi.served(groups)(SCOPE, None, send)
    assert len(set(seen)) == 1 and len(seen) == 2
    assert await asgi.served(returns)(SCOPE, None, send) == (1, 2)
    # Closed while it waits, as a loop does that is shut down.
    began = asgi.served(cancelled)(SCOPE, None, send)
    began.send(None)
    began.close()
    assert requests.in_flight == 0
asyncio.run(main())

class Yields:
    def __await__(self):
        got.append((yield 1)); got.append((yield 2)); return 3
got = []
async def inner(scope, receive, send):
    try: return await Yields()
    except ValueError as error: return error

one = asgi.served(inner)(SCOPE, None, send)
assert one.send(None) == 1 and one.send("a") == 2
try: one.send("b")
except StopIteration as stop: assert stop.value == 3 and got == ["a", "b"]
for arguments in ((ValueError("x"),), (ValueError, ValueError("x"), None)):
    one = asgi.served(inner)(SCOPE, None, send)
    one.send(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if len(arguments) == 3 else "error")
        try: one.throw(*arguments)
        except StopIteration as stop: assert stop.value is arguments[-1] or stop.value is arguments[1]
assert requests.get_current() is None or requests.current.set(None)

async def coroutine(): pass
class Application:
    async def __call__(self, scope, receive, send): pass
from perfkit_probe import hooks
hooks.replaced(Application, "__call__", asgi.application)
assert inspect.iscoroutinefunction(Application.__call__) and str(inspect.signature(Application.__call__)) == "(self, scope, receive, send)"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    Application()(SCOPE, None, send)
    gc.collect()
assert [str(one.message) for one in caught] == ["coroutine 'Application.__call__' was never awaited"]
assert requests.in_flight == 0
"""

TASKS = """
token = requests.current.set(requests.Request(requests.TASK, "task"))
assert routes.known("GET", "/x") == "" and requests.get_current().endpoint == "task"
inner = wsgi.served(lambda environ, start_response: [b""])({"REQUEST_METHOD": "GET"}, None)
requests.get_current().end()
requests.current.reset(token)
"""


def run(source: str, python: str, folder: Path) -> Spooled:
    script = folder / "project" / "script.py"
    script.parent.mkdir()
    script.write_text(BEGINNING + source)
    ended, (spooled,) = run_with_probe(script, folder / "spool", python, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [gap for gap in spooled.gaps if gap[1].startswith("the probe failed")] == []
    return spooled


def seen(spooled: Spooled) -> list[tuple[str, int, int | None]]:
    return [(spooled.endpoint(request), request.status, request.size) for request in spooled.requests]


def test_bodies_of_wsgi(some_python: str, tmp_path: Path) -> None:
    get = "GET (no route)"
    assert seen(run(WSGI, some_python, tmp_path)) == [
        (get, 200, 3),
        (get, 200, 3),
        (get, 200, 3),
        (get, 200, 3),
        (get, 200, 1),
        (get, 200, 4),
        (get, 200, None),
        (get, 200, None),
        (get, 200, 5),
        (" (no route)", 200, None),
        (" (no route)", 200, None),
        (" (no route)", 200, None),
    ]


BROKEN_BODIES = """
def answered(body):
    def application(environ, start_response):
        start_response("200 OK", [])
        return body
    return wsgi.served(application)({"REQUEST_METHOD": "GET"}, lambda status, headers: None)

def fails(*parts):
    yield from parts
    raise ValueError("later")

for body in (fails(), fails(b"ab"), fails(5, "text")):
    served = answered(body)
    try:
        print(list(served))
    except ValueError as error:
        assert str(error) == "later"
    served.close()
"""


def test_bodies_that_fail(some_python: str, tmp_path: Path) -> None:
    """Before anything of it was sent the server answers with 500 itself; what is no bytes it refuses."""
    assert [status for _, status, _ in seen(run(BROKEN_BODIES, some_python, tmp_path))] == [500, 200, 500]


def test_coroutines_of_asgi(python: str, tmp_path: Path) -> None:
    statuses = [(status, size) for _, status, size in seen(run(STEPS, python, tmp_path))]
    assert statuses == [(0, None), (200, 3), (200, 3), (0, None), (0, None), (0, None), (0, None), (0, None)]


def test_a_task_that_calls_an_application_stays_a_task(some_python: str, tmp_path: Path) -> None:
    assert seen(run(TASKS, some_python, tmp_path)) == [("task", 0, None)]
