"""What a line of source waits for, as far as its text shows."""

from __future__ import annotations

import pytest

from perfkit.model.recording import SourceText
from perfkit.shared.codeline import Lines

WAITS = {
    "lock": [
        "with self._lock:",
        "with LOCK, other:",
        "with cache.rlock:",
        "with file_lock(path):",
        "async with self.mutex:",
        "with self._condition:",
        "self._lock.acquire()",
        "thread.join()",
        "thread.join(timeout=3)",
        "event.wait(5)",
        "future.result()",
        "job = self.queue.get(timeout=1)",
    ],
    "sleep": ["time.sleep(1)", "sleep (0.1)"],
    "io": ["data = sock.recv(4096)", "os.fsync(fd)", "subprocess.run(words)", "urlopen(url)"],
    None: [
        "with self.clock():",
        "with block(rows):",
        "with unlocked:",
        "with open(lockfile) as file:",
        "with open(path) as file:",
        '", ".join(names)',
        "os.path.join(a, b)",
        "value = cache.get(key)",
        "asleep = True",
        "total += price",
    ],
}


@pytest.mark.parametrize(("line", "kind"), [(line, kind) for kind, lines in WAITS.items() for line in lines])
def test_what_a_line_waits_for(line: str, kind: str | None) -> None:
    source = SourceText("/proj/a.py", 7, f"def f():\n    {line}\n")
    assert Lines([source]).wait("/proj/a.py", 8) == kind


def test_a_line_whose_text_was_not_kept_waits_for_nothing_known() -> None:
    assert Lines([]).wait("/proj/a.py", 8) is None
