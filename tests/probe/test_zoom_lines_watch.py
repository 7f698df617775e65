"""Wishes in the spool: what they start, what ends them, and which of them are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit_command import LONGEST
from zoomed_programs import Program, calls, hits

# Works on until it is told to end, and says for each line that it gets whether its code is its own.
TARGET = """
    import os, sys, threading
    sys.path.append(PROBE)
    def work(n):  # zoom 1
        total = 0
        for i in range(n):
            total += i
        return total
    code, going = work.__code__, True
    def always():
        while going:
            work(5)
    def free():
        if sys.version_info >= (3, 12):
            tools = [sys.monitoring.get_tool(n) for n in range(6)]
            return tools == [None] * 6
        return work.__code__ is code
    if len(sys.argv) > 1:
        from perfkit_probe import zoom_watch
        zoom_watch.watch(sys.argv[1])
    thread = threading.Thread(target=always)
    thread.start()
    print("ready", flush=True)
    for line in sys.stdin:
        print("free" if free() else "zoomed", flush=True)
    work(5)  # Under a wish that still stands one call is sure, however little the thread came to.
    going = False
    thread.join()
    print("ended", free(), flush=True)
"""


class Target:
    """A process that is watched, and its spool."""

    def __init__(self, folder: Path, python: str, **environment: str) -> None:
        self.spool = folder / "spool"
        self.spool.mkdir(mode=0o700, exist_ok=True)
        self.program = Program(folder, TARGET.replace("PROBE", repr(PROBE_FOLDER)))
        words = [python, str(self.program.path), *([] if environment else [str(self.spool)])]
        self.popen = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self._said() == "ready"

    def _said(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def is_free(self) -> bool:
        assert self.popen.stdin is not None
        self.popen.stdin.write("?\n")
        self.popen.stdin.flush()
        return self._said() == "free"

    def wish(self, number: int = 1, **changes: Any) -> None:
        write_wish(self.spool, self.program, number, **changes)

    def files(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.spool.glob("lines-*.json"))]

    def end(self) -> str:
        out, err = self.popen.communicate(timeout=LONGEST)
        assert self.popen.returncode == 0, err
        return out.strip() + err


def write_wish(spool: Path, program: Program, number: int = 1, **changes: Any) -> None:
    wish = {
        "version": 1,
        "what": "lines",
        "functions": program.wanted(),
        "until": time.monotonic() + LONGEST,
        "owner": os.getpid(),
        **changes,
    }
    part = spool / "wish.part"
    part.write_text(json.dumps(wish))
    part.rename(spool / f"zoom-{number}.json")


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def counted(target: Target, files: int = 1) -> Callable[[], bool]:
    def look() -> bool:
        found = target.files()
        return len(found) == files and all(sum(hits(one).values()) for one in found)

    return look


@pytest.fixture
def target(tmp_path: Path, some_python: str) -> Any:
    started = Target(tmp_path, some_python)
    yield started
    started.popen.kill()
    started.popen.communicate()


def test_a_wish_is_taken_back(target: Target) -> None:
    assert target.is_free()
    target.wish()
    until(counted(target))
    assert not target.is_free()
    (path,) = target.spool.glob("lines-*")
    assert path.stat().st_mode & 0o777 == 0o600
    (target.spool / "zoom-1.json").unlink()
    until(target.is_free)
    until(lambda: target.files()[0]["ended"] is not None)
    (told,) = target.files()
    assert told["pid"] == target.popen.pid and told["gaps"] == []
    ((_, first, _), (_, header, _), (_, body, _), (_, last, _)) = told["functions"][0]["lines"]
    # One call may have been under way at the beginning, and one at the end.
    assert abs(header - 6 * first) <= 12 and abs(body - 5 * last) <= 10
    assert target.end() == "ended True"


def test_its_time_is_over_and_can_be_made_longer(target: Target) -> None:
    target.wish(until=time.monotonic() + 1.5)
    until(counted(target))
    target.wish(until=time.monotonic() + LONGEST)
    began = target.files()[0]["began"]
    # It goes on in the same file beyond its first end.
    until(lambda: time.monotonic() > began + 2.5)
    assert not target.is_free() and len(target.files()) == 1
    target.wish(until=time.monotonic() + 0.1)
    until(target.is_free)
    assert target.end() == "ended True"


def test_its_owner_is_killed(target: Target) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    target.wish(owner=owner.pid)
    until(counted(target))
    owner.kill()
    until(target.is_free)  # before anybody has asked for the dead process's end
    owner.communicate()
    until(lambda: target.files()[0]["ended"] is not None)
    assert target.end() == "ended True"


def test_its_spool_is_gone(target: Target) -> None:
    target.wish()
    until(counted(target))
    target.spool.rename(target.spool.with_name("elsewhere"))
    until(target.is_free)
    assert target.end() == "ended True"


def test_the_process_ends(target: Target) -> None:
    target.wish()
    until(counted(target))
    assert target.end() == "ended False"
    (told,) = target.files()
    assert told["ended"] is not None
    assert not list(target.spool.glob("*.part"))


def test_a_later_wish_takes_the_place_of_an_earlier_one(target: Target) -> None:
    target.wish(9, functions=[["elsewhere.py", 1]])
    until(lambda: not target.is_free() or target.files())
    target.wish(10)
    until(lambda: any(sum(hits(one).values()) for one in target.files()))
    (target.spool / "zoom-10.json").unlink()
    (target.spool / "zoom-9.json").unlink()
    until(target.is_free)
    assert target.end() == "ended True"


BAD: dict[str, Any] = {
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "no object": b"[1]",
    "deep": b"[" * 100_000,
    "another version": {"version": 2},
    "a version that is true": {"version": True},
    "another thing": {"what": "memory"},
    "functions of another kind": {"functions": {"a": 1}},
    "a function that is none": {"functions": [["a"]]},
    "a line that is none": {"functions": [["a", "1"]]},
    "a line that is true": {"functions": [["a", True]]},
    "a file that is none": {"functions": [[1, 1]]},
    "a path with a zero": {"functions": [["a\0b", 1]]},
    "too many functions": {"functions": [["a", 1]] * 1000},
    "a path without end": {"functions": [["a" * 10_000, 1]]},
    "for ever": {"until": 1e300},
    "no number": {"until": "1"},
    "a number without end": {"until": 10**400},
    "never": {"until": float("nan")},
    "owned by nobody": {"owner": -1},
    "owned by a text": {"owner": "1"},
    "too large": b" " * 2_000_000,
}


def test_what_is_no_wish_is_not_read(tmp_path: Path) -> None:
    """Each stands there with a higher number than a good one, which counts nevertheless."""
    target = Target(tmp_path, sys.executable)
    for number, content in enumerate(BAD.values(), 2):
        if isinstance(content, bytes):
            (target.spool / f"zoom-{number}.json").write_bytes(content)
        else:
            target.wish(number, **content)
    target.wish(100)
    genuine = target.spool / "zoom-100.json"
    elsewhere = genuine.rename(tmp_path / "elsewhere.json")
    (target.spool / "zoom-101.json").symlink_to(elsewhere)
    os.mkfifo(target.spool / "zoom-102.json")
    (target.spool / "zoom-103.json").mkdir()
    if os.geteuid() == 0:
        target.wish(104, functions=[])
        os.chown(target.spool / "zoom-104.json", 12345, 12345)
    target.wish(1)
    until(counted(target))
    assert target.end() == "ended False"


SCRIPT = """
    import os, sys
    def work(n):  # zoom 8
        for i in range(n):  # 8 * 3
            last = i  # 8 * 2
        return n  # 8
    class Thing:
        def method(self):  # zoom 8
            def inner():  # 8
                return 1  # zoom 8
            return inner()  # 8
    def main():  # zoom 1
        for _ in range(8):  # 9
            work(2), Thing().method()  # 8
    tasks = "/proc/self/task"
    before = len(os.listdir(tasks))
    main()
    print(before, before < len(os.listdir(tasks)))
"""


def launched(spool: Path, script: Path, python: str, zoom: str, *options: str, warnings: int = 0) -> str:
    path = os.pathsep.join(filter(None, [PROBE_FOLDER, os.environ.get("PYTHONPATH")]))
    added = {"PYTHONPATH": path, "PERFKIT_SPOOL": str(spool), **({"PERFKIT_TARGET_ZOOM": zoom} if zoom else {})}
    done = subprocess.run(
        [python, *options, str(script)],
        cwd=script.parent,
        env={**os.environ, **added},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0 and done.stderr.count("Warning") == warnings, done.stderr
    assert warnings or not done.stderr
    return done.stdout


def test_a_wish_that_is_there_at_the_start(tmp_path: Path, python: str) -> None:
    """Functions count from their definition on, of the very script that runs as well; no thread is there before they do."""
    program = Program(tmp_path, SCRIPT)
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    chosen = [one for one in program.wanted() if one[1] != program.line("return 1")]
    write_wish(spool, program, functions=chosen)
    assert launched(spool, program.path, python, str(spool / "zoom-1.json")) == "1 True\n"
    (path,) = spool.glob("lines-*.json")
    told = json.loads(path.read_text())
    assert told["gaps"] == []
    assert calls(told) == {line: calls for line, calls in program.chosen().items() if line != program.line("return 1")}
    assert hits(told) == program.hits()


def test_without_a_wish_nothing_begins(tmp_path: Path, some_python: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "loaded = [name for name in sys.modules if 'zoom' in name]\n"
        "print(len(os.listdir('/proc/self/task')), sorted(loaded))\n"
    )
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    assert launched(spool, script, some_python, "") == "1 []\n"
    assert launched(spool, script, some_python, "1") == "1 ['perfkit_probe.zoom_counts', 'perfkit_probe.zoom_watch']\n"


FORKS = """
    import os, sys
    def work(n):  # zoom 3 + 5
        return n  # 3 + 5
    for _ in range(3):
        work(1)
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            for _ in range(5):
                work(1)
            sys.exit(0)
        os.waitpid(pid, 0)
    print("done")
"""


def test_a_child_counts_by_itself(tmp_path: Path, some_python: str) -> None:
    """Python 3.12 warns who forks beside a thread: the thread is gone at that moment."""
    program = Program(tmp_path, FORKS)
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    write_wish(spool, program)
    out = launched(spool, program.path, some_python, str(spool / "zoom-1.json"), "-W", "error")
    assert out == "done\n"
    told = [json.loads(path.read_text()) for path in spool.glob("lines-*.json")]
    assert sorted(calls(one)[program.line("# zoom")] for one in told) == [3, 5, 5, 5]
    assert len({one["pid"] for one in told}) == 4


ATTACHED = """
    import os, sys, time
    sys.path.append(PROBE)
    from perfkit_probe import zoom_watch
    def work(n):  # zoom 1
        return n
    def counted():
        mine = "lines-%d-" % os.getpid()
        return [name for name in os.listdir(sys.argv[1]) if name.startswith(mine) and name.endswith(".json")]
    def until_counted():
        while not counted():
            work(1)
            time.sleep(0.01)
    zoom_watch.watch(sys.argv[1])
    zoom_watch.watch(sys.argv[1])
    until_counted()
    for child in range(2):
        pid = os.fork()
        if pid == 0:
            until_counted()
            os._exit(0)
        os.waitpid(pid, 0)
    before = len(counted())
    print(before, len(os.listdir("/proc/self/task")))
"""


def test_a_process_that_is_watched_from_now_on_forks(tmp_path: Path, some_python: str) -> None:
    """Its children count as well, and it has its one thread again afterwards."""
    program = Program(tmp_path, ATTACHED.replace("PROBE", repr(PROBE_FOLDER)))
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    write_wish(spool, program)
    words = [some_python, "-W", "error", str(program.path), str(spool)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert (done.stdout, done.stderr) == ("1 2\n", "")
    told = [json.loads(path.read_text()) for path in spool.glob("lines-*.json")]
    assert len({one["pid"] for one in told}) == 3
    assert all(one["functions"][0]["calls"] > 0 for one in told if one["ended"] is not None)


def test_what_compiling_warns_of_is_said_once(tmp_path: Path, some_python: str) -> None:
    program = Program(
        tmp_path,
        """
        import warnings
        filters = list(warnings.filters)
        def work(n):  # zoom 1
            return n is 1  # 1
        assert work(1)
        assert warnings.filters == filters
        """,
    )
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    write_wish(spool, program)
    launched(spool, program.path, some_python, str(spool / "zoom-1.json"), warnings=1)
    (path,) = spool.glob("lines-*.json")
    assert calls(json.loads(path.read_text())) == program.chosen()
