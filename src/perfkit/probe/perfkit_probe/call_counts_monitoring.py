"""Counts calls by `sys.monitoring`, from Python 3.12 on: all code that is not the project's is reported once and never again."""

from __future__ import annotations

import sys

from . import spool
from .call_counts import WHAT, called, functions, number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_monitoring: Any = getattr(sys, "monitoring", None)
# Ids that nobody is meant to ask for: those of a debugger, of coverage and of profilers stay free.
_IDS = (4, 3)
_NAME = "perfkit"
_tool = -1


def start() -> tuple[str, str] | None:
    """(why, remedy) where calls cannot be counted."""
    global _tool
    tool = next((number for number in _IDS if _monitoring.get_tool(number) is None), None)
    if tool is None:
        return "all numbers of monitoring tools are taken in the target", "measure when nothing else monitors it"
    _tool = tool
    _monitoring.use_tool_id(tool, _NAME)
    _monitoring.register_callback(tool, _monitoring.events.PY_START, _started)
    _monitoring.set_events(tool, _monitoring.events.PY_START)
    return None


def is_replaced() -> bool:
    return bool(_monitoring.get_tool(_tool) != _NAME)


def _started(code: CodeType, offset: int) -> Any:
    try:
        number = functions.get(id(code))
        if number is None:
            number = number_of(code)
        if not number:
            return _monitoring.DISABLE
        called(number)
    except Exception as error:
        spool.broken(WHAT, error)
    return None
