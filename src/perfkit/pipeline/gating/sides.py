"""The two sides of a gate: the command as it stands in the work tree of the baseline, and as it stands here."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.revisions import Revision
from perfkit.gate.worktree import import_path, worktree
from perfkit.model.target import Command

PORT = "{port}"


@dataclass(frozen=True)
class Side:
    """One revision: its command, the URLs that drive it, and the folder in which its files lie."""

    name: str
    root: Path
    command: Command
    urls: tuple[str, ...]
    ready: str | None = None

    def seeded(self, seed: int, output: Path) -> Command:
        """The command with a hash seed of its own; what it prints goes to `output`."""
        environ = {**self.command.environ, "PYTHONHASHSEED": str(seed)}
        return replace(self.command, environ=environ, output=str(output))


@contextmanager
def both(
    command: Command, revision: Revision, urls: tuple[str, ...], ready: str | None, copied: Sequence[str]
) -> Iterator[tuple[Side, Side]]:
    """(baseline, current), with ports of their own where URLs lead to this machine. Raises PerfkitError."""
    with worktree(revision, copied) as folder:
        yield (
            _on_own_port(Side("baseline", folder, _moved(command, revision.root, folder), urls, ready)),
            _on_own_port(Side("current", revision.root, command, urls, ready)),
        )


def moved(side: Side, root: Path, folder: Path) -> Side:
    """The same side in another work tree."""
    return replace(side, root=folder, command=_moved(side.command, root, folder))


def _moved(command: Command, root: Path, folder: Path) -> Command:
    """The same command in the work tree; paths of the checkout that its words name are named there."""
    environ = dict(command.environ)
    paths = import_path(command.executable, root, folder, os.environ)
    if paths:
        environ["PYTHONPATH"] = os.pathsep.join(paths)
    cwd = Path(command.cwd)
    inside = cwd.resolve().is_relative_to(root.resolve())
    # Python finds its environment by the path that it was called by, which may be a relative one.
    name = command.executable if "/" in command.argv[0] else command.argv[0]
    return replace(
        command,
        argv=(name, *(_word(word, root, folder) for word in command.argv[1:])),
        cwd=str(folder / cwd.resolve().relative_to(root.resolve())) if inside else command.cwd,
        environ=environ,
    )


def _word(word: str, root: Path, folder: Path) -> str:
    """A file of the checkout; what lies in an environment inside of it stays."""
    path = Path(word)
    if not path.is_absolute() or not path.is_relative_to(root):
        return word
    moved = folder / path.relative_to(root)
    return str(moved) if moved.exists() else word


def _on_own_port(side: Side) -> Side:
    """Raises PerfkitError (2) where the command does not say on which port it listens: both sides live at once."""
    for port in sorted(set(map(_port_of, side.urls))):
        free = str(_free_port())
        words = tuple(_with_port(word, port, free) for word in side.command.argv)
        environ = {**side.command.environ, "PORT": free}
        if words == side.command.argv and os.environ.get("PORT") != port and port != PORT:
            raise PerfkitError(
                f"the command does not say that it listens on port {port}: both revisions run at once, each on its own.",
                f"name {port} in it, write {PORT} there and in --load, or let it read $PORT",
                USAGE,
            )
        urls = tuple(_url_with_port(url, free) if _port_of(url) == port else url for url in side.urls)
        waited = _with_port(side.ready, port, free) if side.ready else None
        side = replace(side, command=replace(side.command, argv=words, environ=environ), urls=urls, ready=waited)
    return side


def _port_of(url: str) -> str:
    from perfkit.targets.address import parse

    return PORT if PORT in url else str(parse(url).port)


def _url_with_port(url: str, free: str) -> str:
    """Its port alone: a path may hold the same number."""
    return re.sub(r"^(\w+://[^/?#]*?)(?::\d+|:\{port\})?(?=[/?#]|$)", rf"\g<1>:{free}", url, count=1)


def _with_port(text: str, port: str, free: str) -> str:
    if port == PORT:
        return text.replace(PORT, free)
    return re.sub(rf"(?<![\w.]){port}(?![\w.])", free, text)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def last_words(output: Path, lines: int = 3) -> str:
    """The end of what a side printed, for messages."""
    try:
        text = output.read_bytes()[-4000:].decode("utf-8", "replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:])
