"""Whose lock it is that requests wait for, and what can be done about it."""

from __future__ import annotations

from datetime import date

from perfkit.analysis import analyse
from perfkit.findings import judge
from recordings_from_text import recording_of

POOL = """
class Pool:
    def take(self):
        with self._lock:  #<take>
            return self.connect()  #<connect>
"""


def test_the_lock_of_a_library_is_named_as_such() -> None:
    recording = recording_of(
        """
        thread A; django>; page@views.py:3; Pool.take@lib/poollib/pool.py#connect; connect@lib/poollib/pool.py:90; span:connect@<perfkit>:54 50
        thread B; django>; page@views.py:3; Pool.take@lib/poollib/pool.py#take 40
        thread B; django>; page@views.py:9 10
        """,
        sources={"lib/poollib/pool.py": POOL},
    )
    found = [f for f in judge(analyse(recording), (), date(2026, 1, 1)).findings if f.rule == "lock-wait"]
    assert [f.title for f in found] == ["Requests wait for a lock of poollib while page() runs"]
    assert "poollib holds its lock during this call" in found[0].advice.text
    assert found[0].inside is not None
    assert (found[0].inside.function, found[0].inside.distribution) == ("connect", "poollib")
