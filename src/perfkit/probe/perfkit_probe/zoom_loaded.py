"""Changes the functions of a module that is about to run, before Python 3.12, where its code is all that there is of them.

Constants of code cannot be exchanged by Python's own means, and the code that runs is already chosen: the place of each in
memory is looked up, is seen to hold what it should, and gets the other code. Nothing else can refer to these tuples.
"""

from __future__ import annotations

import ctypes

from .zoom_rewriting import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable


class LoadedModule:
    """A module's code with other code for its functions in it, until `undo`."""

    def __init__(self, code: CodeType, instead: Callable[[CodeType], CodeType]) -> None:
        self._code = code
        self._changes: list[tuple[Any, CodeType, CodeType]] = []
        for position, const in enumerate(code.co_consts):
            if type(const) is Code:
                new = instead(const)
                if new is not const:
                    self._put(position, const, new)

    def _put(self, position: int, old: CodeType, new: CodeType) -> None:
        consts = self._code.co_consts
        # A tuple's items stand behind its head.
        address = id(consts) + tuple.__basicsize__ + position * ctypes.sizeof(ctypes.c_void_p)
        slot = ctypes.c_void_p.from_address(address)
        if slot.value == id(old) and consts[position] is old:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))  # the tuple's own
            slot.value = id(new)
            self._changes.append((slot, old, new))

    def undo(self) -> None:
        for slot, old, new in self._changes:
            if slot.value == id(new):
                slot.value = id(old)
                ctypes.pythonapi.Py_DecRef(ctypes.py_object(new))
        self._changes.clear()
