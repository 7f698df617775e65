"""`perfkit top`: a running process from moment to moment, on a terminal and without one."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from perfkit_command import CONSOLE_SCRIPT, Here, Terminal

BUSY = """\
import os, time


def adds(n):
    total = 0
    for i in range(n):
        total += i * i
    return total


print("up", flush=True)
end = time.monotonic() + 40
while time.monotonic() < end and not os.path.exists("end"):
    adds(20_000)
"""


@pytest.fixture
def busy(here: Here) -> Iterator[subprocess.Popen[bytes]]:
    (here.folder / "busy.py").write_text(BUSY)
    with subprocess.Popen([sys.executable, "busy.py"], cwd=here.folder, stdout=subprocess.PIPE) as popen:
        try:
            assert popen.stdout is not None and popen.stdout.readline() == b"up\n"
            yield popen
        finally:
            popen.kill()


def test_a_line_each_time_without_a_terminal(here: Here, busy: subprocess.Popen[bytes]) -> None:
    ended = here("top", str(busy.pid), "--every", "1", "-d", "5")
    assert ended.code == 0, ended.err
    lines = ended.text.splitlines()
    assert 2 <= len(lines) <= 5
    assert re.search(r"CPU \d+%", lines[-1])
    assert re.search(r"busy\.py:[678] adds\(\) \d", lines[-1])
    assert "1 busy process" in lines[-1]
    assert not here.recordings
    assert busy.poll() is None


def test_a_picture_on_a_terminal_and_what_was_there_before_comes_back(
    here: Here, busy: subprocess.Popen[bytes]
) -> None:
    terminal = Terminal([str(CONSOLE_SCRIPT), "top", str(busy.pid), "--every", "1"], here.folder)
    try:
        shown = terminal.read_until(r"busy\.py:[678]")
        assert "\x1b[?1049h" in shown and "\x1b[?1049l" not in shown
        terminal.type("\x03")
        assert terminal.end() == 0
        assert terminal.shown.endswith("\x1b[?25h\x1b[?1049l")
        assert "Traceback" not in terminal.shown
    finally:
        terminal.close()
    assert busy.poll() is None


def test_it_ends_with_its_target(here: Here, busy: subprocess.Popen[bytes]) -> None:
    watching = here.start("top", str(busy.pid), "--every", "1")
    assert watching.stdout is not None and watching.stdout.readline()
    (here.folder / "end").touch()
    assert watching.wait(20) == 0


def test_ctrl_c_without_a_terminal(here: Here, busy: subprocess.Popen[bytes]) -> None:
    watching = here.start("top", str(busy.pid), "--every", "1")
    assert watching.stdout is not None and watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    assert watching.wait(20) == 0


def test_who_has_read_enough(here: Here, busy: subprocess.Popen[bytes]) -> None:
    words = f"{CONSOLE_SCRIPT} top {busy.pid} --every 0.5 -d 6 | head -1"
    ended = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, timeout=40, check=False)
    assert b"Traceback" not in ended.stderr
    assert ended.stdout.count(b"\n") == 1


def test_mistakes(here: Here, busy: subprocess.Popen[bytes]) -> None:
    here("top", "999999999").error(125)
    assert "give 0.5 or more" in here("top", str(busy.pid), "--every", "0.1").error(2)
    assert "add --yes" in here("top", str(busy.pid), "--sql").error(2)
