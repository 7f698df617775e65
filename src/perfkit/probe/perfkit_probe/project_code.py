"""Tells of the project's code before it runs: the code of each module, and of the program itself, with all functions in it."""

from __future__ import annotations

import os
import sys

from . import sites

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any, Callable

_Code = type(sites.begin.__code__)
OPTIMIZED = 1  # code of functions, not of modules and classes
# Before Python 3.12 these are functions of their own, whose time is their line's.
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def watch(found: Callable[[CodeType], None]) -> None:
    """Call `found(code)` with each module's code of the project, in this process only, for as long as it lives. Without a
    word on where the project lies it is where the target runs."""
    sites.begin((os.environ.get("PERFKIT_TARGET_PROJECT") or os.getcwd()).split(os.pathsep))
    owner = os.getpid()

    def audited(event: str, arguments: Any) -> None:
        if event != "exec":
            return
        try:
            code = arguments[0]
            if type(code) is _Code and code.co_name == "<module>" and os.getpid() == owner and is_project(code):
                found(code)
        except Exception:
            return

    sys.addaudithook(audited)


def is_project(code: CodeType) -> bool:
    return not code.co_filename.startswith("<") and sites.is_project(code.co_filename)


def is_function(code: CodeType) -> bool:
    return bool(code.co_flags & OPTIMIZED) and code.co_name not in COMPREHENSIONS


def inside(code: CodeType) -> Iterator[CodeType]:
    """All code that stands in other code, at any depth, without the outermost."""
    for const in code.co_consts:
        if type(const) is _Code:
            yield const
            yield from inside(const)
