"""Counts calls before Python 3.12: the chosen functions get doors (`zoom_calls_hooks`), with cProfile's engine between them.

cProfile follows one thread, and only one that asks for it: so a chosen function switches it on when it begins, in its own
thread, and off when it ends or is suspended. How often it is called and by whom is counted at the door itself.

When a generator or coroutine goes on cProfile sees a call each time: calls of those are left out, unless they have doors.
"""

from __future__ import annotations

import re
import sys
from time import monotonic, sleep

from . import zoom_calls_edges as edges
from . import zoom_calls_hooks, zoom_counts, zoom_rewriting, zoom_statements
from .zoom_counts import Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    Added = dict[tuple["edges.Name | None", edges.Name], int]

_PATIENCE = 0.25
_WHAT = "what the hottest functions call"
_NEWER = "Python 3.12 or newer in the target"
_GREENLETS = ("gevent.monkey", "eventlet.patcher", "sqlalchemy.ext.asyncio")
# What our own driving of awaited things calls in the name of who awaits.
_DRIVING = re.compile(r"hasattr|next|iter|.+\.(send|throw|close)")
# Hooks of the probe that stand before a library's function carry names that samplers see.
_SPANS = {
    "span:sql": "execute",
    "span:fetch": "fetch",
    "span:transaction": "commit or rollback",
    "span:connect": "connect",
}
_METHOD = re.compile(r"<method '(.+)' of '(.+)' objects>")
_FUNCTION = re.compile(r"<built-in method (.+)>")
# By the id of a comprehension's code: the function that it is a part of.
_parts: dict[int, CodeType] = {}
_wanted = Wanted([])


def refusal() -> tuple[str, str] | None:
    """(why, remedy) when calls cannot be counted here."""
    return zoom_statements.refusal()


def start(wanted: Wanted) -> None:
    global _wanted
    _wanted = wanted
    zoom_calls_hooks.profiles.clear()
    zoom_calls_hooks.following = not any(name in sys.modules for name in _GREENLETS)
    if not zoom_calls_hooks.following:
        why = "greenlets share a thread, and cProfile does not tell them apart before Python 3.12"
        zoom_counts.gap(_WHAT, why, _NEWER)
    zoom_calls_hooks.opening = True
    zoom_statements.start(wanted, zoom_calls_hooks.DoorHooks, zoom_calls_hooks.DoorBody)


def stop() -> None:
    """Calls that are open may end first, for a moment: a profile that goes on cannot be read."""
    zoom_calls_hooks.opening = False
    until = monotonic() + _PATIENCE
    while monotonic() < until and any(one.active for one in list(zoom_calls_hooks.profiles.copy().values())):
        sleep(0.001)
    zoom_statements.stop()


at_load = zoom_statements.at_load
look_again = zoom_statements.look_again


def forget() -> None:
    """What ran in the parent of a forked process."""
    zoom_calls_hooks.profiles.clear()
    zoom_statements.forget()


def more() -> Added:
    """What the chosen functions called: asked for when they have been stopped."""
    found: Added = {}
    going = 0
    suspending: set[str] = set()
    _parts.clear()
    for code in list(edges.kept.copy().values()):
        if type(code) is zoom_rewriting.Code and _is_chosen(code):
            _note_parts(code, code)
    for (number, _), profile in list(zoom_calls_hooks.profiles.copy().items()):
        if profile.active:
            going += 1
        else:
            _add(found, edges.kept[number], profile.engine.getstats(), suspending)
    zoom_calls_hooks.profiles.clear()
    if going:
        what = "what %d calls of the hottest functions called" % going
        zoom_counts.gap(what, "they went on when counting ended", "measure for longer")
    if suspending:
        names = sorted(suspending)
        few = ", ".join(names[:3]) + (" and %d more" % (len(names) - 3) if names[3:] else "")
        why = "cProfile counts each time that a generator or coroutine goes on, before Python 3.12"
        zoom_counts.gap("how often %s were called" % few, why, _NEWER)
    return found


def _add(found: Added, owner: CodeType, stats: list[Any], suspending: set[str]) -> None:
    """What has no caller here was called by `owner`, the function whose doors these are."""
    called: dict[Any, int] = {}
    for entry in stats:
        caller = entry.code if _is_chosen(entry.code) else _parts.get(id(entry.code))
        for part in entry.calls or ():
            called[id(part.code)] = called.get(id(part.code), 0) + part.callcount
            if caller is not None:
                _put(found, caller, part.code, part.callcount, suspending)
    for entry in stats:
        _put(found, owner, entry.code, entry.callcount - called.get(id(entry.code), 0), suspending)


def _note_parts(whole: CodeType, code: CodeType) -> None:
    for const in zoom_rewriting.constants(code):
        if const.co_name in zoom_calls_hooks.APART:
            _parts[id(const)] = whole
            _note_parts(whole, const)


def _put(found: Added, caller: CodeType, code: Any, calls: int, suspending: set[str]) -> None:
    if calls <= 0 or _is_chosen(code) or id(code) in _parts:
        return  # those have counted themselves, or are no calls
    if type(code) is str:
        name = _native(code)
        if caller.co_flags & zoom_calls_hooks.SUSPENDS and _DRIVING.fullmatch(name[2]):
            return
    elif code.co_filename == edges.PERFKIT:
        name = edges.native(None, _SPANS.get(code.co_name, code.co_name))
    elif edges.is_ours(code.co_filename):
        return
    else:
        name = edges.name_of(code, _wanted)
        if code.co_flags & zoom_calls_hooks.SUSPENDS:
            suspending.add(name[2])
            return
    key = (edges.name_of(caller, _wanted), name)
    found[key] = found.get(key, 0) + calls


def _is_chosen(code: Any) -> bool:
    return type(code) is not str and _wanted.key(code) is not None and id(code) in edges.kept


def _native(text: str) -> edges.Name:
    method = _METHOD.fullmatch(text)
    if method is not None:
        return edges.native(method.group(2), method.group(1))
    function = _FUNCTION.fullmatch(text)
    owner, _, name = (function.group(1) if function is not None else text).rpartition(".")
    return edges.native(owner or None, name)
