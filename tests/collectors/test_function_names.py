"""Lines of a source and the functions that they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfkit.collectors.function_names import FunctionNames

SOURCE = """\
import functools

class Shop:
    rate = 2

    @functools.cache
    def price(self, n):
        def twice(x):
            return x * 2

        return [twice(n) for n in range(n)]

async def later():
    return lambda: 1
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (1, "<module>"),
        (4, "<module>"),
        (6, "Shop.price"),
        (9, "Shop.price.<locals>.twice"),
        (11, "Shop.price"),
        (14, "later"),
        (99, ""),
    ],
)
def test_the_innermost_function_around_a_line(tmp_path: Path, line: int, name: str) -> None:
    file = tmp_path / "shop.py"
    file.write_text(SOURCE)
    assert FunctionNames().of(str(file), line) == name


def test_what_cannot_be_read_has_no_names(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    assert [FunctionNames().of(file, 1) for file in (str(broken), str(tmp_path / "gone.py"), "<frozen os>")] == [""] * 3
