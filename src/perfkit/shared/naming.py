"""Functions as a sentence names them: `orders()`, `the top level of shop.py`."""

from __future__ import annotations

from pathlib import PurePath

COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def code_name(function: str, file: str) -> str:
    """A function's name with its call brackets; module-level code and lambdas by their file."""
    last = function.rpartition(".")[2]
    if last == "<module>":
        return f"the top level of {PurePath(file).name}"
    if last == "<lambda>":
        return f"a lambda of {PurePath(file).name}"
    return f"{function}()"
