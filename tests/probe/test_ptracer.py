"""PERFKIT_PTRACER names the reader to the kernel, in the process and in each of its forks.

Seen with strace, as the system call itself: whether the kernel then lets a stranger read the process can be tried only
where Yama is on (kernel.yama.ptrace_scope 1); here and in most containers it is not built in, and answers EINVAL.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import perfkit
from perfkit.shared.yama import ptrace_scope

PROBE = Path(perfkit.__file__).parent / "probe"
CODE = """
import os
print("started", flush=True)
for _ in range(2):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""


@pytest.fixture
def named(python: str, tmp_path: Path) -> list[tuple[str, str]]:
    """(pid, reader) of every PR_SET_PTRACER of a process that forks twice."""
    if not sys.platform.startswith("linux") or not shutil.which("strace"):
        pytest.skip("strace is not installed")
    log = tmp_path / "strace"
    done = subprocess.run(
        ["strace", "-f", "-X", "raw", "-e", "trace=prctl", "-o", log, python, "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(PROBE), "PERFKIT_PTRACER": "4242"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "started" not in done.stdout:
        pytest.skip(f"strace may not trace here: {done.stderr[:200]}")
    assert done.stderr == ""
    return re.findall(r"^(\d+) +prctl\(0x59616d61, (\w+)", log.read_text(), re.MULTILINE)


def test_the_reader_is_named_by_the_process_and_by_each_fork(named: list[tuple[str, str]]) -> None:
    assert len({pid for pid, _ in named}) == 3
    assert {int(reader, 0) for _, reader in named} == {4242}


def test_nobody_is_named_unasked(python: str, tmp_path: Path) -> None:
    code = "import sys; print('ctypes' in sys.modules)"
    done = subprocess.run(
        [python, "-c", code], env={**os.environ, "PYTHONPATH": str(PROBE)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_kernel_with_yama_takes_the_name(python: str) -> None:
    if not ptrace_scope():
        pytest.skip("this kernel has no Yama, or ptrace_scope is 0")
    code = f"import ctypes; print(ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong({os.getpid()}), 0, 0, 0))"
    assert subprocess.check_output([python, "-c", code], text=True) == "0\n"
