"""The two sides of a gate: the command as it stands in the work tree of the baseline, and as it stands here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE, Revision
from perfkit.gate.worktree import worktree
from perfkit.model.target import Command
from perfkit.pipeline.gating.libraries import of_checkout, prepared
from perfkit.pipeline.gating.placing import link_environments, placed
from perfkit.pipeline.gating.ports import (
    PORT,
    free_port,
    port_of,
    ready_with_port,
    url_with_port,
    with_port,
)
from perfkit.pipeline.gating.separation import Expected

_ELSEWHERE = frozenset({"docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl", "systemctl"})


@dataclass(frozen=True)
class Side:
    """One revision: its command, the URLs that drive it, and the folder in which its files lie. `python` is the interpreter beside
    its libraries, where it is known, `expected` what must hold of where it runs, and `notes` what a verdict says of that."""

    name: str
    root: Path
    command: Command
    urls: tuple[str, ...]
    ready: str | None = None
    python: str | None = None
    expected: Expected = field(default_factory=Expected)
    notes: tuple[str, ...] = ()

    def seeded(self, seed: int, output: Path) -> Command:
        """The command with a hash seed of its own; what it prints goes to `output`."""
        environ = {**self.command.environ, "PYTHONHASHSEED": str(seed)}
        return replace(self.command, environ=environ, output=str(output))


@contextmanager
def both(
    command: Command,
    revision: Revision,
    urls: tuple[str, ...],
    ready: str | None,
    copied: Sequence[str],
    environment: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[Side, Side]]:
    """(baseline, current), with ports of their own where URLs lead to this machine. `environment` is what the baseline's libraries
    are: auto, same or a folder; None where it is the same commit on both sides. Raises PerfkitError."""
    _check_seen(command)
    current = _on_own_port(Side("current", revision.root, command, urls, ready))
    with worktree(revision, copied) as folder:
        if environment is None:
            found = of_checkout(command, revision.root)
        else:
            found = prepared(command, revision.root, folder, environment, say)
        own = found.there.executable if found.there is not None else None
        link_environments(revision.root, Path(command.cwd), folder, found.there, found.python)
        placed_ = placed(command, revision.root, folder, found)
        baseline = Side("baseline", folder, placed_, urls, ready, found.python or own, found.expected, found.notes)
        yield _on_own_port(baseline), replace(current, python=own)


def _check_seen(command: Command) -> None:
    """Raises PerfkitError (3) for what starts processes elsewhere, from images and volumes that know no revisions."""
    name = Path(command.executable).name
    if name in _ELSEWHERE:
        raise PerfkitError(
            f"{name} runs the server in a container, where perfkit can give it no other revision.",
            "give the command that runs inside, and run the gate inside of the container as well",
            NOT_COMPARABLE,
        )


def alone(command: Command, root: Path, urls: tuple[str, ...], ready: str | None) -> Side:
    """The work tree, on a port of its own. Raises PerfkitError (2)."""
    return _on_own_port(Side("current", root, command, urls, ready))


def moved(side: Side, root: Path, folder: Path) -> Side:
    """The same side in another work tree of its commit."""
    found = of_checkout(side.command, root)
    link_environments(root, Path(side.command.cwd), folder, found.there, None)
    return replace(side, root=folder, command=placed(side.command, root, folder, found))


def _on_own_port(side: Side) -> Side:
    """Raises PerfkitError (2) where the command does not say on which port it listens: both sides live at once."""
    for port in sorted(set(map(port_of, side.urls))):
        free = free_port()
        words = with_port(side.command.argv, port, free)
        environ = {**side.command.environ, "PORT": free}
        if words == side.command.argv and os.environ.get("PORT") != port and port != PORT:
            raise PerfkitError(
                f"the command does not say that it listens on port {port}: both revisions run at once, each on its own.",
                f"name {port} in it, write {PORT} there and in --load, or let it read $PORT",
                USAGE,
            )
        urls = tuple(url_with_port(url, free) if port_of(url) == port else url for url in side.urls)
        waited = ready_with_port(side.ready, port, free) if side.ready else None
        side = replace(side, command=replace(side.command, argv=words, environ=environ), urls=urls, ready=waited)
    return side


def last_words(output: Path, lines: int = 3) -> str:
    """The end of what a side printed, for messages."""
    try:
        text = output.read_bytes()[-4000:].decode("utf-8", "replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:])
