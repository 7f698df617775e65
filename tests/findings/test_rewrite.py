"""A list that is only made, appended to and searched can be a set; any other use leaves it alone."""

from __future__ import annotations

import pytest

from perfkit.findings.rewrite import list_as_set
from perfkit.model.recording import SourceText

ONLY_SEARCHED = """\
    def unique(self, rows):
        kept = []
        for row in rows:
            if row.key not in kept:
                kept.append(row.key)
        return len(kept)
"""


def test_the_diff_names_both_lines_with_their_indentation() -> None:
    diff = list_as_set(SourceText("/proj/a.py", 40, ONLY_SEARCHED), "kept")
    assert diff == (
        "-        kept = []\n+        kept = set()\n"
        "-                kept.append(row.key)\n+                kept.add(row.key)"
    )


@pytest.mark.parametrize(
    "use",
    ["return kept", "kept.sort()", "return kept[0]", "for key in kept: print(key)", "kept = other", "kept = []"],
)
def test_any_other_use_leaves_it_a_list(use: str) -> None:
    text = ONLY_SEARCHED.replace("return len(kept)", use)
    assert list_as_set(SourceText("/proj/a.py", 1, text), "kept") is None


def test_an_attribute_is_left_alone() -> None:
    assert list_as_set(SourceText("/proj/a.py", 1, ONLY_SEARCHED), "self.kept") is None
