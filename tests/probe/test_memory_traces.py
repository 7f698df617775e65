"""tracemalloc in a process that asks for it: what stands more by line, between two looks, and nothing left of it afterwards."""

from __future__ import annotations

import json
import time
from pathlib import Path

from watched_scripts import ran

from perfkit.collectors.probe_events import Definition

WISH = {"version": 1, "what": "allocations", "functions": [], "owner": 0, "frames": 4}

# Serves requests by hand: no framework is needed for a request to begin and to end.
SERVER = '''
import os, sys, time, tracemalloc
from perfkit_probe import memory_traces, requests
memory_traces.WARM_UP = 0.4
KEPT, RECENT = [], {}
def served():
    request = requests.Request(requests.WSGI, "GET /")
    keep()
    request.end()
def keep():
    KEPT.append(str(10 + len(KEPT) % 90) * 1000)
    RECENT[len(KEPT) % 5] = str(len(KEPT) % 10) * 5000
def serve(requests):
    """So many after it was looked at for the first time."""
    until = time.monotonic() + 40
    while memory_traces._before is None and time.monotonic() < until:
        served()
        time.sleep(0.01)
    for _ in range(requests):
        served()
'''
ENDS = (
    SERVER
    + """
EARLY = ["e" * 900 + str(n) for n in range(3000)]
serve(200)
os.unlink(os.path.join(os.environ["PERFKIT_SPOOL"], "allocations-1.json"))
until = time.monotonic() + 40
while any(name.startswith("tracing-") for name in os.listdir(os.environ["PERFKIT_SPOOL"])) and time.monotonic() < until:
    time.sleep(0.05)
print(tracemalloc.is_tracing(), os.listdir(os.environ["PERFKIT_SPOOL"]))
"""
)


def traced(
    tmp_path: Path, python: str, script: str, **variables: str
) -> tuple[str, dict[int, tuple[int, int]], list[str]]:
    """What it prints, blocks and bytes by line of main.py, and its gaps."""
    wish = json.dumps({**WISH, "until": time.monotonic() + 600})
    printed, told = ran(tmp_path, python, script, wish=wish, PERFKIT_TARGET_MEMORY="1", **variables)
    found: dict[int, tuple[int, int]] = {}
    for event in told:
        if event.kind == "allocation":
            _add(found, event)
    return printed, found, [event.fields[0] for event in told if event.kind == "gap"]


def _add(found: dict[int, tuple[int, int]], event: Definition) -> None:
    _, _, blocks, size, *places = event.fields
    own = [int(line) for file, line in zip(places[::2], places[1::2], strict=True) if Path(file).name == "main.py"]
    assert not any("perfkit_probe" in file for file in places[::2])
    if own:
        before = found.get(own[-1], (0, 0))
        found[own[-1]] = before[0] + int(blocks), before[1] + int(size)


def test_what_a_server_keeps_after_its_warm_up(tmp_path: Path, python: str) -> None:
    printed, found, gaps = traced(tmp_path, python, ENDS)
    tracing, spool = printed.split(maxsplit=1)
    assert tracing == "False" and "tracing-" not in spool and not gaps
    line = SERVER.splitlines().index("    KEPT.append(str(10 + len(KEPT) % 90) * 1000)") + 1
    blocks, size = found[line]
    assert 200 <= blocks <= 210 and 2000 < size / blocks < 2200
    # Early rows stood before, and of the recent ones there are five at any time.
    assert max(found, key=lambda one: found[one][1]) == line
    assert sum(grown for other, (_, grown) in found.items() if other != line) < 0.1 * size


OWN_TRACES = """
import os, time, tracemalloc
print(tracemalloc.get_traceback_limit())
kept = ["x" * 3000 + str(n) for n in range(500)]
os.unlink(os.path.join(os.environ["PERFKIT_SPOOL"], "allocations-1.json"))
until = time.monotonic() + 40
while any(name.startswith("tracing-") for name in os.listdir(os.environ["PERFKIT_SPOOL"])) and time.monotonic() < until:
    time.sleep(0.05)
print(tracemalloc.is_tracing())
"""


def test_tracing_of_the_applications_own_is_read_and_goes_on(tmp_path: Path, python: str) -> None:
    """It has one frame, which perfkit does not change."""
    printed, found, _ = traced(tmp_path, python, OWN_TRACES, PYTHONTRACEMALLOC="1")
    assert printed.split() == ["1", "True"]
    assert found[4][1] > 1_400_000


SCRIPT = """
import time
from perfkit_probe import memory_traces
def work():
    rows = ["row %d" % n * 10 for n in range(40_000)]
    until = time.monotonic() + 40
    while memory_traces._highest_bytes < 4_000_000 and time.monotonic() < until:
        time.sleep(0.05)
    return len(rows)
print(work())
"""


def test_a_script_is_told_of_at_its_highest(tmp_path: Path, python: str) -> None:
    """What it worked with is gone when it ends."""
    printed, found, _ = traced(tmp_path, python, SCRIPT)
    assert printed == "40000\n"
    assert found[5][0] > 30_000 and found[5][1] > 3_000_000


FORKS = (
    SERVER
    + """
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    serve(50)
"""
)


def test_a_forked_worker_warms_up_by_itself(tmp_path: Path, python: str) -> None:
    _, found, gaps = traced(tmp_path, python, FORKS)
    line = SERVER.splitlines().index("    KEPT.append(str(10 + len(KEPT) % 90) * 1000)") + 1
    assert 50 <= found[line][0] <= 60 and not gaps


SHORT = """
until = time.monotonic() + 40
while memory_traces._served_at is None and time.monotonic() < until:
    served()
    time.sleep(0.01)
"""


def test_a_server_that_ends_in_its_warm_up_is_a_gap(tmp_path: Path, python: str) -> None:
    _, found, gaps = traced(tmp_path, python, SERVER.replace("WARM_UP = 0.4", "WARM_UP = 600") + SHORT)
    assert not found
    assert any(gap.startswith("lines whose memory grew in process") for gap in gaps)


def test_nothing_is_traced_that_nobody_asked_for(tmp_path: Path, python: str) -> None:
    script = "import sys, time\ntime.sleep(0.3)\nprint('tracemalloc' in sys.modules)\n"
    for number, wish in enumerate(
        [
            None,
            json.dumps({**WISH, "until": 0.0}),
            json.dumps({**WISH, "until": time.monotonic() + 60, "frames": 0}),
            "{",
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        printed, _ = ran(
            folder,
            python,
            script + "import tracemalloc\nprint(tracemalloc.is_tracing())\n",
            wish=wish,
            PERFKIT_TARGET_MEMORY="1",
        )
        assert printed.split()[1] == "False"
        assert wish is not None or printed.split()[0] == "False"
