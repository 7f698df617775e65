"""What the engines that run inside the target share: the probe's folder goes along, a spool file comes back."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from perfkit.collectors.interface import Context, Followed
from perfkit.model.recording import Frame, Gap


class InProcessEngine:
    """Reads `ENGINE-PID.json` from the spool when the target has ended. One process only: the command itself."""

    name = ""

    def __init__(self, context: Context, follow: Followed) -> None:
        self.context = context
        self.follow = follow
        self.cpu = 0.0
        self.stack_seconds: defaultdict[int, float] = defaultdict(float)
        self.measured = 0

    def poll(self) -> None:
        """Everything comes at the end."""

    def stop(self) -> None:
        """The target is still to write its file: `finish` reads it."""

    def finish(self) -> None:
        spool = sorted(Path(self.context.spool).glob(f"{self.name}-*.json"))
        if not spool:
            self.context.sink.gap(self._no_file())
            return
        for path in spool:
            written = json.loads(path.read_text(encoding="utf-8", errors="replace"))
            if "gap" in written:
                what, why, remedy = (str(part) for part in written["gap"])
                self.context.sink.gap(Gap(what, why, remedy))
            else:
                for gap in written.get("gaps", ()):
                    self.context.sink.gap(Gap(*(str(part) for part in gap)))
                self.read(written)
        self.context.sink.commit()

    def read(self, written: dict[str, Any]) -> None:
        raise NotImplementedError

    def frame(self, function: str, file: str, line: int) -> Frame:
        file = self.context.local_path(file, written_cwd(self.context))
        return Frame(function, file, line, self.context.origins.of(file))

    def nothing_ran(self, what: str, instead: str) -> None:
        """Say why a process that told of its end had nothing to tell."""
        why = "no code of the project ran in the process that was launched, and its forks and children are not followed"
        self.context.sink.gap(Gap(what, why, f"run it in one process, or {instead}"))

    def _no_file(self) -> Gap:
        return Gap(
            f"anything by {self.name}",
            "the command left no profile: it is not Python, ignores PYTHONPATH (-I, -E, -S), or ended by os._exit or a signal",
            "leave out --engine: py-spy measures such targets from outside",
        )


def lent(*packages: str) -> dict[str, str]:
    """The variable that tells the target where perfkit's own packages lie; empty where perfkit has none."""
    import os
    from importlib.util import find_spec

    found = [spec.origin for spec in map(find_spec, packages) if spec is not None and spec.origin is not None]
    paths = [path.rpartition("/")[0] if path.endswith("/__init__.py") else path for path in found]
    # Wheels carry what their extensions are linked with in a folder beside them.
    libraries = [path + ".libs" for path in paths if os.path.isdir(path + ".libs")]
    return {"PERFKIT_LENT": os.pathsep.join(paths + libraries)} if len(paths) == len(packages) else {}


def written_cwd(context: Context) -> str | None:
    from perfkit.shared import processes

    return processes.cwd(context.root_pid)
