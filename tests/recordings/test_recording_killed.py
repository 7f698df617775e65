"""SIGKILL at any moment: the file holds every batch that was committed, whole, and nothing of the next."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recording_cases import RUN, WINDOW

from perfkit.errors import PerfkitError
from perfkit.recordings import Writer, load
from perfkit.recordings.opening import journal_of

# It tells each window before and after it is written, so that the test knows what must be there.
ENDLESS = """
import sys
from dataclasses import replace
from pathlib import Path
from recording_cases import *
writer = Writer(Path(sys.argv[1]), RUN)
writer.process(PROCESS)
for thread in THREADS:
    writer.thread(thread)
number = 0
while True:
    number += 1
    stacks = [writer.intern((MAIN, Frame(f"f{n}", f"/{number}.py", n, "app"))) for n in range(300)]
    writer.window(replace(WINDOW, id=number), [Sample(number, 1, stack, 1, 0.01) for stack in stacks], ())
    print(number, flush=True)
"""

# Half a transaction in the file itself: the smallest cache makes SQLite write pages before the commit.
HALF = """
import os, signal, sys
from pathlib import Path
from recording_cases import *
writer = Writer(Path(sys.argv[1]), RUN)
writer.process(PROCESS)
writer.window(WINDOW, (), ())
writer._connection.execute("PRAGMA cache_size = 1")
writer.requests(Request(f"GET /{n}", 0.0, 0.1, 200) for n in range(20_000))
writer._connection.execute("UPDATE window SET rounds = 12345")
writer._connection.execute("UPDATE request SET status = 999")
os.kill(os.getpid(), signal.SIGKILL)
"""


def start(script: str, path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, filter(None, sys.path)))}
    return subprocess.Popen([sys.executable, "-c", script, path], env=environment, stdout=subprocess.PIPE, text=True)


def test_killed_in_the_middle(tmp_path: Path) -> None:
    choose = random.Random()
    for attempt in range(10):
        path = tmp_path / f"{attempt}.perfkit"
        writer = start(ENDLESS, path)
        assert writer.stdout
        for _ in range(choose.randrange(1, 12)):
            writer.stdout.readline()
        for _ in range(choose.randrange(200_000)):
            pass  # somewhere inside the next window, which takes some milliseconds
        writer.kill()
        told = writer.stdout.read().split()
        writer.wait()
        found = load(path)
        windows = len(found.windows)
        assert windows >= int(told[-1] if told else 1)
        assert len(found.samples) == windows * 300
        assert len(found.stacks) == windows * 300 + 2
        assert not found.run.sealed
        assert load(path).windows == found.windows


@pytest.fixture
def half_written(tmp_path: Path) -> Path:
    path = tmp_path / "half.perfkit"
    writer = start(HALF, path)
    assert writer.wait() == -signal.SIGKILL
    assert writer.stdout
    writer.stdout.close()
    assert journal_of(path).stat().st_size > 0
    assert b"GET /1000" in path.read_bytes()
    return path


def test_half_a_transaction_is_undone(half_written: Path) -> None:
    found = load(half_written)
    assert (found.windows, found.requests) == ((WINDOW,), ())
    assert not journal_of(half_written).exists()


def test_half_a_transaction_in_a_read_only_folder(half_written: Path, plain_user: Path) -> None:
    folder = plain_user / "artifact"
    folder.mkdir()
    for path in (half_written, journal_of(half_written)):
        # The first folder is readable by the user who made it alone.
        user = os.geteuid()
        os.seteuid(os.getuid())
        content = path.read_bytes()
        os.seteuid(user)
        (folder / path.name).write_bytes(content)
        (folder / path.name).chmod(0o400)
    folder.chmod(0o500)
    found = load(folder / half_written.name)
    assert (found.windows, found.requests) == ((WINDOW,), ())
    assert len(list(folder.iterdir())) == 2


def test_a_new_recording_does_not_inherit_the_journal_of_the_old(half_written: Path) -> None:
    Writer(half_written, RUN, overwrite=True).seal(RUN)
    found = load(half_written)
    assert (found.run.sealed, found.windows) == (True, ())


def test_without_its_journal_it_is_damaged_or_whole_but_never_a_traceback(half_written: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.perfkit"
    shutil.copyfile(half_written, moved)
    try:
        load(moved)
    except PerfkitError as error:
        assert "is damaged" in error.message
