"""A disk that is full, a folder that is cleaned away, no memory and no descriptors: the target runs on as it would have, and
what is missing of it is said as a gap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perfkit.recordings import load
from perfkit_command import Here, clean_environment

# It asks in a loop; half way it takes away from itself what an argument says.
PROGRAM = """
import os, resource, shutil, sqlite3, sys, time

def takes_away(what):
    kept = []
    if what == "folder":
        for name in os.listdir(os.environ.get("TMPDIR", "/tmp")):
            if name.startswith("perfkit-"):
                shutil.rmtree(os.path.join(os.environ["TMPDIR"], name))
    elif what == "descriptors":
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                kept.append(open(os.devnull))
        except OSError as error:
            print(error)
    elif what == "size":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    elif what == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (90 << 20, 90 << 20))
        try:
            while True:
                kept.append(bytearray(100_000))
        except MemoryError:
            print("no memory")
    elif what == "streams":
        for number in range(3):
            os.close(number)
    return kept

database = sqlite3.connect(":memory:")
for half in range(2):
    for number in range(20_000):
        database.execute("SELECT %d" % number).fetchall()
    kept = takes_away(sys.argv[1]) if half == 0 else kept
del kept[:]
if sys.argv[1] != "streams":
    print("done", database.execute("SELECT 7").fetchone())
"""


def alone_and_measured(here: Here, tmp_path: Path, what: str) -> tuple[str, ...]:
    """That both runs agree; the gaps' reasons."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (here.folder / "program.py").write_text(PROGRAM)
    words = [sys.executable, "program.py", what]
    environment = clean_environment(TMPDIR=str(temporary))
    alone = subprocess.run(words, cwd=here.folder, capture_output=True, env=environment, check=False)
    ended = here.run(*words, TMPDIR=str(temporary))
    assert (ended.code, ended.out) == (alone.returncode, alone.stdout), ended.err
    assert alone.returncode == 0
    assert "Traceback" not in ended.err
    (recording,) = here.recordings
    found = load(recording)
    assert any(span.kind == "sql" for span in found.spans), "what was written before counts"
    assert not list(temporary.iterdir()), "nothing stays behind"
    return tuple(gap.why for gap in found.gaps)


@pytest.mark.parametrize("what", ["descriptors", "size", "memory"])
def test_a_process_that_cannot_write_any_more(here: Here, tmp_path: Path, what: str) -> None:
    (why,) = alone_and_measured(here, tmp_path, what)
    assert "could not write any more" in why


def test_a_temporary_folder_that_is_cleaned_away(here: Here, tmp_path: Path) -> None:
    (why,) = alone_and_measured(here, tmp_path, "folder")
    assert "was removed" in why


def test_closed_streams(here: Here, tmp_path: Path) -> None:
    assert alone_and_measured(here, tmp_path, "streams") == ()
