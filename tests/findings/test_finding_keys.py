"""Keys: one per cause, the same when lines move or when another cause joins it."""

from __future__ import annotations

from datetime import date

import pytest

from perfkit.analysis import analyse
from perfkit.findings import judge
from recordings_from_text import recording_of

IMPORT = (
    "_find_and_load@<frozen importlib._bootstrap>:1176; _call_with_frames_removed@<frozen importlib._bootstrap>:241"
)
SHOP = """
def orders(rows):
    text = b""
    seen = []
    for row in rows:
        text += bytes(row)  #<grow>
        seen.insert(0, row)  #<insert>
        seen.remove(row.old)  #<remove>
    for row in rows:
        seen.remove(row.old)  #<remove-again>
"""
FIRST_AND_SECOND = {
    "two imports of a module": (
        f"<module>@main.py:1; {IMPORT}; <module>@lib/pandas/__init__.py:1 50",
        f"<module>@main.py:2; {IMPORT}; <module>@lib/plotting/__init__.py:1 50",
    ),
    "two lines of a function": ("script>; orders@shop.py#grow 50", "script>; orders@shop.py#insert 50"),
    "the same operation on two lines": (
        "script>; orders@shop.py#remove 50",
        "script>; orders@shop.py#remove-again 50",
    ),
    "two functions of a library": (
        "script>; f@jobs.py:1; parse@lib/x/x.py:1 50",
        "script>; f@jobs.py:1; render@lib/x/y.py:9 50",
    ),
}


def keys(text: str) -> list[str]:
    return [f.key for f in judge(analyse(recording_of(text, sources={"shop.py": SHOP})), (), date(2026, 1, 1)).findings]


@pytest.mark.parametrize("name", FIRST_AND_SECOND)
def test_two_causes_in_one_function_have_two_keys(name: str) -> None:
    first, second = FIRST_AND_SECOND[name]
    together = keys(f"{first}\n{second}")
    assert len(together) == len(set(together)) == 2
    assert set(keys(first)) <= set(together)


def test_a_key_names_the_file_below_the_project_and_no_line() -> None:
    assert keys("script>; f@api/jobs.py:1234 50") == ["hot-function:api/jobs.py:f"]
