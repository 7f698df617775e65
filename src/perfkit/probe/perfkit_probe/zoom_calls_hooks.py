"""The doors that `zoom_calls_doors` puts into a function before Python 3.12, and how its source gets them.

Between a function's beginning and end cProfile's engine runs in its thread. Nothing here raises by itself.
"""

from __future__ import annotations

import ast
import sys
from _lsprof import Profiler
from _thread import get_ident
from sys import _getframe

from . import zoom_calls_edges as edges
from . import zoom_counts, zoom_hooks
from .zoom_counts import Function
from .zoom_hooks import Hooked, Hooks
from .zoom_rewriting import Body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

SUSPENDS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
# What is a part of the function that it stands in, and called by that one alone.
APART = ("<listcomp>", "<setcomp>", "<dictcomp>")
_running: Any = sys.getprofile
_threads = edges.threads
# Where what drives an awaited thing for us stands.
_DRIVES = zoom_hooks._FILE


class Engine(Profiler):
    """Of one function in one thread; it is told apart from the profilers of others by its type."""


class Profile:
    """`active`: it may get calls, or be suspended for a while, and is not to be read."""

    __slots__ = ("active", "engine")

    def __init__(self) -> None:
        self.active = False
        self.engine = Engine()


# By the id of the code that has the doors, and the thread.
profiles: dict[tuple[int, int], Profile] = {}
# Whether there may be any, and whether a call may still begin one.
following = True
opening = True


class Door(Hooked):
    """One call of a function with doors."""

    __slots__ = ("code", "hooks", "profile")

    def __init__(self, hooks: DoorHooks | None = None, code: CodeType | None = None) -> None:
        self.hooks = hooks
        self.code = code
        self.profile: Profile | None = None

    def open(self) -> None:
        hooks = self.hooks
        if hooks is None or not hooks.on or not following or not opening:
            return
        running = _running()
        if running is None:
            key = (id(self.code), get_ident())
            profile = profiles.get(key) or profiles.setdefault(key, Profile())
            if not profile.active:
                self.profile = profile
                profile.active = True
                profile.engine.enable()
        elif type(running) is not Engine:
            why = "another profiler runs in some of their calls"
            zoom_counts.gap("what the hottest functions call", why, "measure when it does not run")

    def shut(self) -> None:
        profile = self.profile
        if profile is not None:
            self.profile = None
            if _running() is profile.engine:
                profile.engine.disable()
            profile.active = False
        else:
            self.turn()

    def turn(self) -> None:
        """A loop goes round: one that never ends is not to be followed for ever."""
        hooks = self.hooks
        if hooks is not None and not hooks.on:
            running = _running()
            if type(running) is Engine:
                running.disable()

    def leave(self, *defaults: Any) -> None:
        try:
            if self.profile is not None or not self.hooks.on:  # type: ignore[union-attr]
                self.shut()
        except Exception:  # at the very end modules are empty, and a call that is not followed has no hooks
            return

    def leave_hidden(self, *defaults: Any) -> None:
        try:
            self.shut()
            zoom_hooks._hidden.pop(id(_getframe(1)), None)
        except Exception:
            return

    def pause(self, value: Any, *defaults: Any) -> Any:
        try:
            self.shut()
        except Exception:
            return value
        return value

    def resume(self, value: Any, *defaults: Any) -> Any:
        try:
            if self.profile is None:
                self.open()
        except Exception:
            return value
        return value


class Nested(Door):
    """A call inside of one that is followed: all of it is in the profile of that one. Every call of such a function has the same."""

    __slots__ = ()

    def __init__(self, hooks: DoorHooks) -> None:
        super().__init__(hooks)

    # Does nothing, quickly, and no profiler hears of it.
    leave = ().__len__  # type: ignore[assignment]

    def leave_hidden(self, *defaults: Any) -> None:
        try:
            zoom_hooks._hidden.pop(id(_getframe(1)), None)
        except Exception:
            return

    def pause(self, value: Any, *defaults: Any) -> Any:
        return value

    resume = pause


class DoorHooks(Hooks):
    """Of one function."""

    __slots__ = ("nested",)
    COUNTS = "calls"

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.nested = Nested(self)

    def enter(self, *defaults: Any) -> Any:
        """All that most calls need is here: a call of ours is seen by the profile that it is in."""
        try:
            code = _getframe(1).f_code
            if type(_running()) is Engine and not code.co_flags & SUSPENDS:
                caller = _getframe(2).f_code
                if caller.co_filename != _DRIVES and caller.co_name not in APART:
                    _threads[get_ident()][id(caller), id(code)] += 1
                    return self.nested
        except KeyError:
            pass
        except Exception:
            return Door()
        try:
            return self._entered(_getframe(1))
        except Exception:
            return Door()

    def enter_hidden(self, *defaults: Any) -> None:
        try:
            frame = _getframe(1)
            zoom_hooks._hidden[id(frame)] = self._entered(frame)
        except Exception:
            return

    def here(self, *defaults: Any) -> Any:
        return zoom_hooks._hidden.get(id(_getframe(1))) or Door()

    def begin(self, line: int, *defaults: Any) -> float:
        """A lambda begins: it cannot be told when it is unwound, so that nothing is followed in it."""
        try:
            if self.on:
                frame = _getframe(1)
                edges.started(None if frame.f_back is None else frame.f_back.f_code, frame.f_code)
        except Exception:
            return 0.0
        return 0.0

    def end(self, began: float, value: Any, line: int, *defaults: Any) -> Any:
        return value

    def _entered(self, frame: FrameType) -> Door:
        inside = type(_running()) is Engine
        if not self.on or not (opening or inside):
            return Door()  # what is open yet is followed to its end, and nothing else
        back = frame.f_back
        while back is not None and (back.f_code.co_filename == _DRIVES or back.f_code.co_name in APART):
            back = back.f_back
        edges.started(None if back is None else back.f_code, frame.f_code)
        if inside and not frame.f_code.co_flags & SUSPENDS:
            return self.nested
        door = Door(self, frame.f_code)
        door.open()
        return door


class DoorBody(Body):
    """Puts doors into a function and leaves its lines alone."""

    def _block(self, statements: list[Any], after: Any = None) -> list[Any]:
        return [self.visit(one) for one in statements]

    def visit_Return(self, node: ast.Return) -> Any:
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        self.generic_visit(node)
        first = node.body[0]
        node.body.insert(0, self._hook("resume", first, ast.Constant(None)))
        if self._suspended:
            node.body.insert(0, self._hook("shown", first))
        return node

    def visit_Try(self, node: ast.Try) -> Any:
        self.generic_visit(node)
        if node.finalbody:
            node.finalbody.insert(0, self._hook("resume", node.finalbody[0], ast.Constant(None)))
        return node

    def _loop(self, node: Any) -> Any:
        self.generic_visit(node)
        node.body.insert(0, self._hook("turn", node.body[0]))
        return node

    visit_While = visit_For = _loop

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        super().visit_AsyncFor(node)
        node.body.insert(0, self._hook("turn", node.body[0]))
        return node
