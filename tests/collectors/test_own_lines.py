"""Lines that were timed with what they called: each second counts once, at the line that spent it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from perfkit.collectors.call_sites import call_sites
from perfkit.collectors.own_lines import Counted, OwnLines


def own(folder: Path, text: str, *functions: Counted) -> OwnLines:
    (folder / "job.py").write_text(dedent(text).lstrip())
    return OwnLines(functions, call_sites([str(folder / "job.py")]))


def counted(folder: Path, name: str, first: int, **lines: tuple[int, float]) -> Counted:
    """`line_7=(hits, seconds)`."""
    return Counted(name, str(folder / "job.py"), first, 1, {int(line[5:]): found for line, found in lines.items()})


def test_what_was_called_is_taken_from_the_line_that_names_it(tmp_path: Path) -> None:
    main = counted(tmp_path, "main", 1, line_2=(3, 10.0), line_3=(1, 1.0))
    slow = counted(tmp_path, "slow", 5, line_6=(3, 9.5))
    found = own(tmp_path, "def main():\n    slow()\n    other()\n\ndef slow():\n    pass\n", main, slow)
    assert found.left == pytest.approx({(0, 2): 0.5, (0, 3): 1.0, (1, 6): 9.5})
    assert found.ways(1) == [(((0, 2),), pytest.approx(1.0))]
    assert sum(found.left.values()) == pytest.approx(11.0)


def test_several_lines_share_by_hits_and_none_gives_more_than_it_has(tmp_path: Path) -> None:
    text = "def main():\n    slow()\n    slow()\n    slow\n\ndef slow():\n    pass\n"
    main = counted(tmp_path, "main", 1, line_2=(1, 3.0), line_3=(3, 4.0), line_4=(5, 0.0))
    slow = counted(tmp_path, "slow", 6, line_7=(4, 6.0))
    found = own(tmp_path, text, main, slow)
    # By hits 1.5 and 4.5; the second has 4.0, so the first gives the rest.
    assert found.left == pytest.approx({(0, 2): 1.0, (0, 3): 0.0, (0, 4): 0.0, (1, 7): 6.0})
    assert sorted(found.ways(1)) == [(((0, 2),), pytest.approx(1 / 3)), (((0, 3),), pytest.approx(2 / 3))]


def test_recursion_counts_once(tmp_path: Path) -> None:
    text = "def main():\n    down(3)\n\ndef down(n):\n    n and down(n - 1)\n    work()\n"
    main = counted(tmp_path, "main", 1, line_2=(1, 4.0))
    # Four activations of a second each: line 5 holds those below it.
    down = counted(tmp_path, "down", 4, line_5=(4, 3.0 + 2.0 + 1.0), line_6=(4, 4.0))
    found = own(tmp_path, text, main, down)
    assert found.left == pytest.approx({(0, 2): 0.0, (1, 5): 0.0, (1, 6): 4.0})


def test_methods_classes_lambdas_and_what_is_handed_on(tmp_path: Path) -> None:
    text = """
        class Shop:
            def __init__(self):
                self.load()
            def load(self):
                pass
        def main():
            shop = Shop()
            sorted([], key=price)
            sorted([], key=lambda row: row)
        def price(row):
            pass
    """
    functions = [
        counted(tmp_path, "main", 6, line_7=(1, 5.0), line_8=(1, 2.0), line_9=(1, 1.0)),
        counted(tmp_path, "Shop.__init__", 2, line_3=(1, 4.5)),
        counted(tmp_path, "Shop.load", 4, line_5=(1, 4.0)),
        counted(tmp_path, "price", 10, line_11=(9, 1.5)),
        counted(tmp_path, "main.<locals>.<lambda>", 9, line_9=(9, 0.75)),
    ]
    found = own(tmp_path, text, *functions)
    assert sum(found.left.values()) == pytest.approx(8.0)
    assert found.left[0, 7] == pytest.approx(0.5) and found.left[0, 9] == pytest.approx(0.25)
    assert found.ways(2) == [(((0, 7), (1, 3)), pytest.approx(1.0))]
    assert found.unseen == [functions[0]]


def test_what_no_line_names_begins_a_way_of_its_own(tmp_path: Path) -> None:
    text = "def main():\n    x = shop.total\n\nclass Shop:\n    @property\n    def __len__(self):\n        pass\n"
    functions = [counted(tmp_path, "main", 1, line_2=(1, 2.0)), counted(tmp_path, "__len__", 5, line_7=(1, 1.5))]
    found = own(tmp_path, text, *functions)
    assert functions[1] in found.unseen
    assert found.ways(1) == [((), 1.0)]


def test_functions_that_call_each_other_end(tmp_path: Path) -> None:
    text = "def even(n):\n    odd(n - 1)\n\ndef odd(n):\n    even(n - 1)\n"
    functions = [counted(tmp_path, "even", 1, line_2=(5, 3.0)), counted(tmp_path, "odd", 4, line_5=(5, 2.0))]
    found = own(tmp_path, text, *functions)
    assert all(seconds >= 0 for seconds in found.left.values())
    assert sum(share for _, share in found.ways(0)) == pytest.approx(1.0)


def test_a_file_that_cannot_be_read_has_no_call_sites(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:\n")
    assert call_sites([str(tmp_path / "broken.py"), str(tmp_path / "none.py"), "<string>"]).names == {}
