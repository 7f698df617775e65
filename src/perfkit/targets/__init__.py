"""Targets: the user's words come in; a `Target` that is there to be measured, and what drives it, go out.

command    argv → Command, found on PATH and fit to be executed
pid, port, name    one word → RunningProcess: occupants of `RESOLVERS`
launch     Command → Launched, a process that can be polled, signalled and stopped with all its children
load       Load → LoadGenerator → Requests, in the order of a `mix`
while_command, ready    what else a run waits for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.target import RunningProcess
from perfkit.shared.registry import Registry

if TYPE_CHECKING:
    from perfkit.targets.interface import Resolver

RESOLVERS: Registry[type[Resolver]] = Registry(
    "way to name a process",
    "perfkit.targets",
    {
        "pid": "perfkit.targets.pid:ByPid",
        "port": "perfkit.targets.port:ByPort",
        "name": "perfkit.targets.name:ByName",
    },
)


def resolve_running(text: str) -> RunningProcess:
    """The process that `811`, `:8000` or `gunicorn` means.

    Raises PerfkitError where it is gone, is not Python, may not be read, or where several processes fit.
    """
    words = text.strip()
    if not words:
        raise PerfkitError("no process was named.", "perfkit attach 811, perfkit attach :8000 or a name", USAGE)
    for kind in RESOLVERS:
        resolver = RESOLVERS.load(kind)() if kind != "name" else None
        if resolver and resolver.accepts(words):
            return resolver.resolve(words)
    return RESOLVERS.load("name")().resolve(words)
