"""Attaching to a gunicorn that runs already: by port, by name and by pid; as the same ordinary user; it runs on afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from perfkit_command import Here, clean_environment, kill_all
from servers_under_load import APPS, Measured, module

pytestmark = pytest.mark.real


@pytest.fixture
def gunicorn(port: int) -> Iterator[subprocess.Popen[bytes]]:
    words = module("gunicorn", "flask_shop:app", "--workers=2", "--log-level=error", f"--bind=127.0.0.1:{port}")
    popen = subprocess.Popen(words, cwd=APPS, env=clean_environment(PYTHONDONTWRITEBYTECODE="1"))
    deadline = time.monotonic() + 30
    while not _answers(port):
        assert popen.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield popen
    kill_all(popen.pid)
    popen.wait()


@pytest.mark.parametrize("by", ["port", "pid"])
def test_attach(by: str, here: Here, port: int, gunicorn: subprocess.Popen[bytes]) -> None:
    target = f":{port}" if by == "port" else str(gunicorn.pid)
    ended = here("attach", target, "--duration=3", f"--load=http://127.0.0.1:{port}/prices", "-q")
    assert ended.code == 0, ended.err
    measured = Measured(here.report())
    measured.check()
    assert measured.report["run"]["mode"] == "attach"
    assert measured.first_cause()["rule"] == "deepcopy-cost"
    # The project is where the target runs, not where perfkit does.
    assert measured.first_cause()["where"]["file"] == "flask_shop.py"
    assert gunicorn.poll() is None
    assert _answers(port)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/total", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_python_of_the_target_is_told(here: Here, port: int, gunicorn: subprocess.Popen[bytes]) -> None:
    here("attach", str(gunicorn.pid), "--duration=1", f"--load=http://127.0.0.1:{port}/prices", "-q")
    versions = {process["python"] for process in here.report()["run"]["processes"]}
    assert versions == {f"{sys.version_info[0]}.{sys.version_info[1]}"}
