"""What cannot be is refused before anything is touched: one sentence why, one what would help."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from injected import KINDS, Run, found, until, until_it_computes, until_it_says

from perfkit.collectors.injection import Refused, inject
from perfkit.model.recording import Gap


def refusal(pid: int, spool: Path, timeout: float = 5) -> Gap:
    with pytest.raises(Refused) as caught:
        inject(pid, "raise AssertionError('it ran')", spool=str(spool), timeout=timeout)
    gap = caught.value.gap
    assert str(pid) in gap.what
    for text in (gap.what, gap.why, gap.remedy):
        assert text and "\n" not in text and not text.endswith(".")
    return gap


@contextmanager
def started(*words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, **more) as process:
        yield process
        process.kill()


def test_a_process_that_has_ended(spool: Path) -> None:
    with started("true") as process:
        process.wait()
        assert refusal(process.pid, spool).why == "it has ended"


def test_a_zombie(spool: Path) -> None:
    with started("true") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert refusal(process.pid, spool).why == "it has ended"


def test_perfkit_itself(spool: Path) -> None:
    assert refusal(os.getpid(), spool).why == "this is perfkit itself"


def test_another_program(spool: Path) -> None:
    with started("sleep", "60") as process:
        until(lambda: b"sleep" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
        assert refusal(process.pid, spool).why == "it does not run CPython (sleep)"


def test_a_program_that_hides_its_names(spool: Path, tmp_path: Path) -> None:
    """As a static and stripped Python does."""
    hiding = tmp_path / "python3.12"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", hiding)
    with started(str(hiding), "60") as process:
        until(lambda: str(hiding).encode() in Path(f"/proc/{process.pid}/cmdline").read_bytes())
        gap = refusal(process.pid, spool)
        assert "does not tell where CPython's functions are" in gap.why


def test_a_program_of_another_architecture(spool: Path, tmp_path: Path) -> None:
    """One of 32 bits: int 0x80, pause, and so on."""
    code = b"\x31\xdb\x8d\x43\x1d\xcd\x80\xeb\xf9"
    elf = (
        b"\x7fELF\1\1\1"
        + bytes(9)
        + bytes.fromhex("0200 0300 01000000 54800408 34000000 00000000 00000000 3400 2000 0100 0000 0000 0000")
    )
    program = bytes.fromhex("01000000 00000000 00800408 00800408 00100000 00100000 05000000 00100000")
    other = tmp_path / "python3.11"
    other.write_bytes((elf + program + code).ljust(4096, b"\0"))
    other.chmod(0o755)
    try:
        with started(str(other)) as process:
            until(lambda: process.poll() is not None or "python3.11" in os.readlink(f"/proc/{process.pid}/exe"))
            if process.returncode is not None:
                pytest.skip("this kernel runs no programs of 32 bits")
            assert "is not for x86-64" in refusal(process.pid, spool).why
    except OSError as error:
        pytest.skip(f"this kernel runs no programs of 32 bits: {error}")


@pytest.mark.real
@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8"])
def test_an_old_python(run: Run, spool: Path, version: str) -> None:
    with started(found(version), "-c", "import time; time.sleep(60)") as process:
        until(lambda: "python" in os.readlink(f"/proc/{process.pid}/exe"))
        assert refusal(process.pid, spool).why == f"it runs Python {version}, and this needs 3.9"


def test_a_stopped_process_stays_stopped(run: Run, spool: Path) -> None:
    program = run(sys.executable, KINDS["burns"])
    program.process.send_signal(signal.SIGSTOP)
    until(lambda: "State:\tT" in Path(f"/proc/{program.pid}/status").read_text())
    gap = refusal(program.pid, spool)
    assert "it is stopped" in gap.why
    assert gap.remedy == f"let it go on: kill -CONT {program.pid}"
    assert "State:\tT" in Path(f"/proc/{program.pid}/status").read_text()
    program.process.send_signal(signal.SIGCONT)
    program.inject(spool)
    program.finish()


def test_another_tracer(run: Run, spool: Path) -> None:
    program = run(sys.executable, KINDS["sleeps"])
    holds = (
        "import sys, time; from perfkit.collectors.injection.ptrace import Tracee\n"
        "with Tracee(int(sys.argv[1]), time.monotonic() + 60): print('up', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", holds, str(program.pid)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tracer:
        assert tracer.stdout and tracer.stdout.readline() == b"up\n"
        gap = refusal(program.pid, spool)
        assert f"another program traces it (pid {tracer.pid}: " in gap.why
        assert "debugger" in gap.remedy
        tracer.communicate()
    program.inject(spool)
    program.finish()


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ((), {"PYTHON_DISABLE_REMOTE_DEBUG": "1"}, "PYTHON_DISABLE_REMOTE_DEBUG"),
        (("-X", "disable-remote-debug"), {}, "-X disable-remote-debug"),
        (("-BXdisable-remote-debug",), {}, "-X disable-remote-debug"),
        (("-W", "ignore", "-X", "dev", "-X", "disable-remote-debug"), {}, "-X disable-remote-debug"),
    ],
)
def test_one_that_does_not_want_it(
    run: Run, spool: Path, options: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    program = run(sys.executable, KINDS["sleeps"], options=options, environment=environment)
    assert said in refusal(program.pid, spool).why
    program.finish()


def test_the_same_words_after_the_script_mean_nothing(run: Run, spool: Path) -> None:
    program = run(
        sys.executable, KINDS["sleeps"], environment={"PYTHON_DISABLE_REMOTE_DEBUG": ""}, options=("-X", "utf8")
    )
    program.inject(spool)
    program.finish()
    assert program.runs() == 1


@pytest.mark.real
def test_uninterruptible(run: Run, spool: Path) -> None:
    """It waits for a child of vfork, which sleeps: no signal and no tracer gets through to it."""
    body = """
import ctypes, mmap
# mov eax, 58 (vfork); syscall; test eax, eax; jz +1; ret; in the child: mov eax, 34 (pause); syscall; and again
code = bytes.fromhex("b83a0000000f0585c07401c3b8220000000f05ebf7")
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
ctypes.PYFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
while not over():
    pass
"""
    program = run(sys.executable, body)
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    until(lambda: bool(children.read_text()))
    child = int(children.read_text())
    try:
        gap = refusal(program.pid, spool, timeout=1)
        assert "cannot be interrupted (state D" in gap.why
    finally:
        os.kill(child, signal.SIGKILL)
    program.inject(spool)
    program.finish()


@pytest.mark.real
def test_one_long_call_and_what_came_too_late_never_runs(run: Run, spool: Path, some_python: str) -> None:
    body = """
import itertools, time
def long(count):
    before = time.perf_counter()
    sum(itertools.repeat(1, count))
    return time.perf_counter() - before
count = int(2_000_000 * 1.5 / long(2_000_000))
print("computes", flush=True)
long(count)
"""
    program = run(some_python, body)
    until_it_computes(program)
    with pytest.raises(Refused, match=r"did not come to run Python within 0\.3 s.*will not run any more"):
        program.inject(spool, timeout=0.3)
    program.finish()
    assert program.runs() == 0


def test_a_limit_on_its_memory(run: Run, spool: Path) -> None:
    body = "import resource, time\nresource.setrlimit(resource.RLIMIT_AS, (1, -1))\nprint('limited', flush=True)\nwhile not over(): time.sleep(0.01)"
    program = run(sys.executable, body)
    until_it_says(program, "limited")
    assert "another page of memory" in refusal(program.pid, spool).why
    program.finish()


SECCOMP = """
import ctypes, struct, sys
# Load the number of the system call; ptrace (101): EPERM; else allow.
rules = struct.pack("<HBBI", 0x20, 0, 0, 0) + struct.pack("<HBBI", 0x15, 0, 1, 101)
rules += struct.pack("<HBBI", 0x06, 0, 0, 0x50001) + struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
held = ctypes.create_string_buffer(rules)
program = struct.pack("<H6xQ", 4, ctypes.addressof(held))
library = ctypes.CDLL(None, use_errno=True)
assert library.prctl(38, 1, 0, 0, 0) == 0
assert library.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0, ctypes.get_errno()
from perfkit.collectors.injection import Refused, inject
try:
    inject(int(sys.argv[1]), "raise AssertionError", spool=sys.argv[2])
except Refused as error:
    print(error.gap.why, "|", error.gap.remedy)
"""


def test_a_filter_that_forbids_ptrace(run: Run, spool: Path) -> None:
    """As docker's did before Linux 4.8, and stricter ones do."""
    program = run(sys.executable, KINDS["sleeps"])
    words = [sys.executable, "-c", SECCOMP, str(program.pid), str(spool)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    why, _, remedy = done.stdout.partition(" | ")
    assert "seccomp" in why
    assert "docker run --cap-add SYS_PTRACE" in remedy
    assert 'securityContext.capabilities.add: ["SYS_PTRACE"]' in remedy
    program.finish()


REFUSED = """
import sys
from perfkit.collectors.injection import Refused, inject
try:
    inject(int(sys.argv[1]), "raise AssertionError", spool=sys.argv[2])
except Refused as error:
    print(error.gap.why, "|", error.gap.remedy)
"""


def test_root_without_the_capability(run: Run, spool: Path, requires: Callable[..., str]) -> None:
    """As root is in a container."""
    if os.geteuid() != 0:
        pytest.skip("only root can give up a capability")
    away = ("--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    with started("/usr/bin/python3", "-c", "import time; time.sleep(60)", user="nobody") as process:
        words = [requires("setpriv"), *away, sys.executable, "-c", REFUSED, str(process.pid), str(spool)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout == (
        "tracing it needs the capability CAP_SYS_PTRACE, which this container does not have | docker run --cap-add SYS_PTRACE …,"
        ' kubernetes: securityContext.capabilities.add: ["SYS_PTRACE"]\n'
    )


def test_a_refusal_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Refused(Gap("what", "why", "remedy"))))
    assert error.gap == Gap("what", "why", "remedy")
    assert str(error) == "what: why; remedy"
