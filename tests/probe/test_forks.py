"""What a process began before it was forked, or before it gave up root's rights, and what it does afterwards."""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest

from perfkit.model.recording import Recording
from perfkit.recordings import load
from perfkit_command import Here

OPEN_CURSOR = """
import os, sqlite3
database = sqlite3.connect(":memory:")
rows = database.execute("SELECT 1 UNION SELECT 2")
rows.fetchone()
pid = os.fork()
if pid == 0:
    print(rows.fetchall(), flush=True)
    for number in range(20_000):
        database.execute("SELECT 'child', %d" % number).fetchall()
    os._exit(0)
os.wait()
"""
ANOTHER_USER = """
import os, sqlite3
database = sqlite3.connect(":memory:")
pid = os.fork()
if pid == 0:
    database.execute("SELECT 'root'").fetchall()
    os.setgid(65534)
    os.setuid(65534)
    for number in range(20_000):
        database.execute("SELECT 'nobody', %d" % number).fetchall()
    print("done", flush=True)
    os._exit(0)
os.wait()
"""


# It lives for longer than a process may without being missed.
BECOMES = """
import os, sys, time
if sys.argv[1:] != ["again"]:
    time.sleep(0.5)
    os.execv(sys.executable, [sys.executable, %s "program.py", "again"])
import sqlite3
print(sqlite3.connect(":memory:").execute("SELECT 1").fetchall(), flush=True)
time.sleep(1.5)
"""


def measured(here: Here, source: str, out: bytes) -> Recording:
    (here.folder / "program.py").write_text(source)
    ended = here.run(sys.executable, "program.py")
    assert (ended.code, ended.out) == (0, out), ended.err
    (recording,) = here.recordings
    return load(recording)


def statements(found: Recording) -> Counter[str]:
    return Counter(found.names[span.name].text for span in found.spans if span.kind == "sql")


def test_a_cursor_of_the_parent_in_the_child(here: Here) -> None:
    found = measured(here, OPEN_CURSOR, b"[(2,)]\n")
    assert statements(found)["SELECT ?, ?"] > 5_000, "all but the last moment before os._exit"
    assert [gap.what.split(" of ")[0] for gap in found.gaps] == ["1 span"]


def test_a_program_that_becomes_another_one(here: Here) -> None:
    found = measured(here, BECOMES % "", b"[(1,)]\n")
    assert statements(found) == {"SELECT ?": 1}
    assert not found.gaps


def test_a_program_that_becomes_another_one_without_the_probe(here: Here) -> None:
    found = measured(here, BECOMES % '"-I",', b"[(1,)]\n")
    assert not statements(found)
    assert [gap.why.partition(",")[0] for gap in found.gaps] == ["it became another program by exec"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_worker_that_gives_up_roots_rights(here: Here) -> None:
    found = measured(here, ANOTHER_USER, b"done\n")
    assert statements(found)["SELECT ?, ?"] > 5_000, "all but the moment of the change"
