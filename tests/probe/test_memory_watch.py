"""A process tells of its heap, its garbage and its imports, on every Python, and what it tells is true."""

from __future__ import annotations

import json
from pathlib import Path

from watched_scripts import ran

FIGURES = """
import json, sys
from perfkit_probe import memory_figures as f
def look(): return [*f.small_objects(), *f.malloc(), f.anonymous()]
found = [look()]
small = [str(n) + "text" for n in range(200_000)]
found.append(look())
large = [bytes(b"x" * 5000) for n in range(2000)]
found.append(look())
del large, small[::2]
found.append(look())
print(json.dumps(found))
"""


def test_figures_follow_what_is_made(tmp_path: Path, python: str) -> None:
    before, small, large, freed = json.loads(ran(tmp_path, python, FIGURES)[0])
    live, arenas, used, free, mapped, anonymous = range(6)
    assert 9e6 < small[live] - before[live] < 16e6
    assert all(look[live] <= look[arenas] for look in (before, small, large, freed))
    if large[used] >= 0:  # glibc
        assert 9e6 < large[used] + large[mapped] - small[used] - small[mapped] < 13e6
        assert freed[used] < large[used] - 9e6
        assert all(look[free] >= 0 for look in (before, small, large, freed))
    assert large[anonymous] - before[anonymous] > 15e6
    # Half of the texts are gone, and their arenas are not.
    assert freed[live] < large[live] - 4e6 and freed[arenas] > 0.9 * large[arenas]


GARBAGE = """
import gc
from perfkit_probe import memory_garbage
class Odd(type):
    def __eq__(cls, other): raise SystemExit("called")
    def __hash__(cls): raise SystemExit("called")
class Node(metaclass=Odd):
    def __init__(self):
        self.me = self
        self.payload = bytearray(30_000)
gc.collect(); gc.disable()
memory_garbage.begin()
def make():
    for _ in range(100): Node()
    gc.collect(0)
make()
make()  # too soon for another look
gc.collect()
memory_garbage.tell()
print(memory_garbage.seconds > 0, memory_garbage.longest > 0)
"""


def test_a_collection_is_told_of_by_type_and_line(tmp_path: Path, python: str) -> None:
    printed, told = ran(tmp_path, python, GARBAGE)
    assert printed == "True True\n"
    (found,) = [event.fields for event in told if event.kind == "garbage"]
    _, stack, generation, collected, freed, types, file, line = found
    assert generation == "0" and int(collected) >= 100
    assert int(freed) > 2_500_000 or int(freed) == 0
    if types:  # Python 3.14 has other generations
        assert types.startswith("__main__.Node 100")
        assert (Path(file).name, int(line)) == ("main.py", 8)
    (site,) = [event.fields[1:] for event in told if event.kind == "stack" and event.fields[0] == stack]
    assert site[-3] == "make" and int(site[-1]) == 15


IMPORTS = """
import library_with_a_table
def later():
    import table
later()
"""


def test_what_imports_take_is_charged_to_lines(tmp_path: Path, python: str) -> None:
    project = tmp_path / "app"
    project.mkdir()
    (project / "library_with_a_table.py").write_text("import json\n\nROWS = [str(n) * 4 for n in range(1_600_000)]\n")
    (project / "table.py").write_text("ROWS = [str(n) * 4 for n in range(800_000)]\n")
    _, told = ran(tmp_path, python, IMPORTS, PERFKIT_TARGET_MEMORY="1")
    found: dict[tuple[str, ...], int] = {}
    for _, size, _, *chain in [event.fields for event in told if event.kind == "import"]:
        steps = tuple(f"{Path(file).name}:{line}" for file, line in zip(chain[1::3], chain[2::3], strict=True))
        found[steps] = found.get(steps, 0) + int(size)
    # A look that comes while a module is found or its code is made sees the import alone.
    by_line: dict[str, int] = {}
    for steps, size in found.items():
        by_line[steps[0] if steps else ""] = by_line.get(steps[0] if steps else "", 0) + size
    assert max(found, key=lambda steps: found[steps]) == ("main.py:2", "library_with_a_table.py:3")
    assert 1.3 < by_line["main.py:2"] / by_line["main.py:4"] < 4
    # The process had seen nothing else to import: all that it grew by is told.
    assert by_line["main.py:2"] + by_line["main.py:4"] > 0.6 * sum(by_line.values())


BETWEEN_REQUESTS = """
import time
from math import inf
from perfkit_probe import memory_looks, memory_watch, requests, spool
memory_watch._not_before = inf  # the thread does not come back
memory_watch._stop()
def serve(seconds, kind=requests.WSGI):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        request = requests.Request(kind, "GET /")
        time.sleep(0.01)
        request.end()
serve(0.8, requests.ASGI)
spool.define("mark", "loop")
memory_looks._took.update({True: 1.0, False: 1.0})
serve(1.2)
spool.define("mark", "long")
left = memory_looks.waiting(time.monotonic()) <= 0
memory_looks._took.update({True: 0.001, False: 0.001})
serve(1.2)
spool.define("mark", "short")
print(left, memory_looks.waiting(time.monotonic()) > 3)
"""


def test_looks_are_taken_between_requests_unless_they_take_long(tmp_path: Path, python: str) -> None:
    """A thread has what an event loop would wait for, and what takes long; the rest once nobody else has taken any for a while."""
    printed, told = ran(tmp_path, python, BETWEEN_REQUESTS, PERFKIT_TARGET_MEMORY="1")
    assert printed == "True True\n"
    seen: dict[str, list[str]] = {}
    kinds: list[str] = []
    for event in told:
        if event.kind == "mark":
            seen[event.fields[0]], kinds = kinds, []
        elif event.kind in ("heap", "look"):
            kinds.append(event.kind)
    assert seen["loop"] == []
    assert set(seen["long"]) == {"heap"}
    assert set(seen["short"]) == {"heap", "look"}


HOLDS_A_LOCK = """
import gc, sys
from math import inf
from perfkit_probe import memory_watch
def frames():
    return sys._current_frames()
for number in range(120):
    memory_watch._not_before = inf
    memory_watch._stop()
    gc.disable(); gc.collect()
    gc.set_threshold(1 + number % 12)
    memory_watch._not_before = 0.0
    gc.enable()
    held = frames()
print("went on")
"""


def test_no_thread_begins_while_the_interpreter_makes_frames(tmp_path: Path, python: str) -> None:
    """As a profiler of the application's asks for them; Python 3.11 would wait for itself."""
    assert ran(tmp_path, python, HOLDS_A_LOCK, PERFKIT_TARGET_MEMORY="1")[0] == "went on\n"


FORKS_IN_A_LOOK = """
import os
from perfkit_probe import memory_looks, memory_watch
memory_watch._stop()
def forks(at):
    global child
    child = os.fork()
memory_looks.begin()
memory_looks.tell_heap = forks
memory_looks._heap_at = 0.0
memory_looks.take()
if not child:
    os._exit(0 if memory_looks._under_way.acquire(False) else 1)
print(os.waitpid(child, 0)[1], memory_looks._under_way.locked())
"""


def test_a_fork_in_a_look_leaves_both_processes_whole(tmp_path: Path, python: str) -> None:
    assert ran(tmp_path, python, FORKS_IN_A_LOOK, PERFKIT_TARGET_MEMORY="1")[0] == "0 False\n"


def test_a_program_that_is_an_import_is_looked_at(tmp_path: Path, python: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "job.py").write_text(
        "from perfkit_probe import memory_imports\nmemory_imports._LONGEST_PAUSE = 0.5\nimport time\ntime.sleep(2.5)\n"
    )
    _, told = ran(tmp_path, python, "import job\n", PERFKIT_TARGET_MEMORY="1")
    assert {"heap", "look"} <= {event.kind for event in told}
