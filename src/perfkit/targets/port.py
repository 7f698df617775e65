"""A process by the TCP port it listens on: `:8000` comes in; the topmost Python process behind it goes out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.model.target import RunningProcess
from perfkit.shared import processes
from perfkit.targets import words
from perfkit.targets.pid import admit, ours
from perfkit.targets.tree import several, topmost

_PORT = re.compile(r"^(?:http://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])?:(?P<port>\d+)/?$", re.ASCII)
_LISTEN = "0A"


class ByPort:
    def accepts(self, text: str) -> bool:
        return bool(_PORT.match(text))

    def resolve(self, text: str) -> RunningProcess:
        matched = _PORT.match(text)
        port = int(matched["port"]) if matched else 0
        if not 0 < port < 65536:
            raise PerfkitError(f"{text} is not a port.", "ports go from 1 to 65535: perfkit attach :8000", USAGE)
        holders = listeners(port)
        if not holders:
            raise _nobody(port)
        python = [pid for pid in holders if processes.python_of(pid) is not None and pid not in ours()]
        tops = {_reloader(pid) for pid in topmost(python)} or set(topmost(holders))
        if len(tops) > 1:
            raise several(f":{port}", sorted(tops))
        return admit(tops.pop(), f"listens on :{port}")


def listeners(port: int) -> list[int]:
    """The processes that hold a socket listening on the port; only those whose descriptors we may read."""
    return _by_proc(port) if sys.platform.startswith("linux") else by_psutil(port)


def by_psutil(port: int) -> list[int]:
    """The same where there is no /proc: each process is asked for its own sockets, as that needs no root."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            sockets = process.net_connections("tcp") if hasattr(process, "net_connections") else process.connections()
        except (psutil.Error, OSError):
            continue
        if any(socket.status == psutil.CONN_LISTEN and socket.laddr.port == port for socket in sockets):
            found.append(process.pid)
    return sorted(found)


def _by_proc(port: int) -> list[int]:
    wanted = {f"socket:[{inode}]" for inode, _ in _sockets(port)}
    return [pid for pid in processes.pids() if wanted and _holds(pid, wanted)]


def _sockets(port: int) -> Iterator[tuple[str, int]]:
    """Inode and user id of each socket listening on the port."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9], int(fields[7])


def _holds(pid: int, wanted: set[str]) -> bool:
    try:
        return any(str(entry.readlink()) in wanted for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _reloader(pid: int) -> int:
    """A development server runs itself as a child and replaces it at every change of code: the parent stays."""
    above = processes.parent(pid)
    same = above and above not in ours() and processes.python_of(above) is not None
    mine = words.spoken(processes.command_line(pid))
    return above if above and same and words.spoken(processes.command_line(above)) == mine else pid


def _nobody(port: int) -> PerfkitError:
    held = list(_sockets(port)) if sys.platform.startswith("linux") else []
    if not held:
        return PerfkitError(f"no process listens on port {port}.", "perfkit attach NAME, or give the pid")
    import pwd

    try:
        user = pwd.getpwuid(held[0][1]).pw_name
    except KeyError:
        user = str(held[0][1])
    return PerfkitError(
        f"not allowed to see which process listens on port {port} (owner {user}).", f"sudo perfkit attach :{port}"
    )
