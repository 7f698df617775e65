"""Programs that run while code is brought into them: each checks its own results, and ends with a code of its own when it
is told to."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perfkit.collectors.injection import inject
from perfkit_command import interpreter

ATTACHES = int(os.environ.get("PERFKIT_TEST_ATTACHES", "3"))
_ELSEWHERE = Path("/opt/sid")
LONGEST = 60.0
OWN_CODE = 7
_HEAD = """
import os, sys
def over():
    return os.path.exists({over!r})
print("up", flush=True)
"""
_END = """
print(sorted(name for name in globals() if not name.startswith("_")))
sys.exit(7)
"""
KINDS = {
    "sleeps": """
import time
while not over():
    before = time.monotonic()
    time.sleep(0.02)
    assert time.monotonic() - before >= 0.02
""",
    "joins": """
import threading, time
def wait():
    while not over():
        time.sleep(0.01)
thread = threading.Thread(target=wait)
thread.start()
thread.join()
""",
    "asyncio": """
import asyncio
async def main():
    loop = asyncio.get_running_loop()
    while not over():
        before = loop.time()
        assert await asyncio.gather(*(asyncio.sleep(0.005, number) for number in range(20))) == list(range(20))
        assert loop.time() - before >= 0.005
asyncio.run(main())
""",
    "burns": """
while not over():
    assert sum(number * number / 4 for number in range(3000)) == 2248875125.0
""",
    "allocates": """
import threading
def work():
    while not over():
        kept = [bytearray(size) for size in range(300)]
        text = ",".join(str(len(one)) for one in kept)
        assert sum(map(int, text.split(","))) == 44850
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
work()
for thread in threads:
    thread.join()
""",
    "reads": """
import threading, time
there, here = os.pipe()
def write():
    number = 0
    while not over():
        os.write(here, b"%09d " % number)
        number += 1
        time.sleep(0.01)
    os.close(here)
thread = threading.Thread(target=write)
thread.start()
read = []
while True:
    got = os.read(there, 10)
    if not got:
        break
    read.append(int(got))
assert read == list(range(len(read)))
thread.join()
""",
    "waits for children": """
import subprocess
while not over():
    done = subprocess.run([sys.executable, "-I", "-S", "-c", "print(6 * 7)"], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, b"42\\n")
""",
}


class Program:
    """One that runs. `words` come before the interpreter, such as `unshare`."""

    def __init__(
        self,
        folder: Path,
        python: str,
        body: str,
        *,
        before: Sequence[str] = (),
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self._over, self._ran = folder, folder / "over", folder / "ran"
        text = _HEAD.format(over=str(self._over)) + body + _END
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [*before, python, *options, "-c", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**kept, **(environment or {})},
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def payload(self) -> str:
        """Python that leaves one more byte behind."""
        return (
            "import os\n"
            f"file = os.open({str(self._ran)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)\n"
            "os.write(file, b'x')\n"
            "os.close(file)\n"
        )

    def runs(self) -> int:
        """How often the payload ran."""
        return len(self._ran.read_bytes()) if self._ran.exists() else 0

    def inject(self, spool: Path, timeout: float = LONGEST) -> str:
        return inject(self.pid, self.payload, spool=str(spool), timeout=timeout)

    def finish(self) -> str:
        """It ends by itself, with its own code, and says nothing but the names of its own."""
        self._over.touch()
        out, err = self.process.communicate(timeout=LONGEST)
        assert (self.process.returncode, err) == (OWN_CODE, "")
        return out

    def end(self) -> tuple[int, str, str]:
        """Its code and what it said and had not been asked for."""
        if self.process.poll() is None:
            self.process.kill()
        try:
            out, err = self.process.communicate()
        except ValueError:  # it was asked
            out = err = ""
        return self.process.returncode, out, err


def found(version: str) -> str:
    elsewhere = _ELSEWHERE / f"py{version}" / "bin" / "python3"
    return str(elsewhere) if elsewhere.exists() else interpreter(version)


Run = Callable[..., Program]


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.002)


def computed(pid: int, thread: int) -> int:
    """Clock ticks of the processor that a thread has had."""
    fields = Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


def until_it_says(program: Program, word: str) -> None:
    assert program.process.stdout and program.process.stdout.readline() == f"{word}\n"


def until_it_computes(program: Program) -> None:
    """From its next line on: one of its threads, for longer than another one would be kept waiting by Python."""
    until_it_says(program, "computes")
    tasks = Path(f"/proc/{program.pid}/task")
    before = {int(task.name): computed(program.pid, int(task.name)) for task in tasks.iterdir()}
    until(lambda: any(computed(program.pid, thread) > ticks + 4 for thread, ticks in before.items()))


def pages(pid: int) -> list[str]:
    """Mappings that hold instructions and have no file behind them: what injection lends."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line for line in lines if "x" in line.split()[1] and len(line.split()) == 5]
