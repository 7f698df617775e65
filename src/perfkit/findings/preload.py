"""Workers that load the application each by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import ClassVar

from perfkit.findings.heavy_import_chains import asked, loaded_by
from perfkit.findings.interface import MemoryCause, NotRunError, View
from perfkit.findings.memory_list import memory_of
from perfkit.findings.native_growth_heaps import SCRIPT
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Process
from perfkit.shared import units

_EACH = 16 << 20
_SAVED = 48 << 20
# Seconds before the end: who ended earlier shared nothing with the others at the end.
_AT_THE_END = 2.0
_SHOWN = 3


class Preload:
    """Each worker of a server loads the application by itself. Loaded once before they fork, workers would share its pages.

    **What it sees.** With --memory: what each process grows by while it imports. It is reported where two workers or more of one parent each
    took 16 MB by importing, and 48 MB could be there once instead of several times.

    **Why it hurts.** The modules, classes and tables of an application are the same in all workers, and each has its own copy.

    **Before**

        gunicorn shop.wsgi -w 4

    **After**

        gunicorn shop.wsgi -w 4 --preload -c gunicorn.conf.py

        # gunicorn.conf.py: collections would write to every page that is shared
        import gc
        def when_ready(server):
            gc.collect()
            gc.freeze()

    What must not be shared is opened after the fork: connections, threads, clients (`post_fork`).

    **When to ignore it.** The application opens connections or starts threads at import and cannot be changed, or workers are
    reloaded one by one while they serve.
    """

    name: ClassVar[str] = "preload"
    summary: ClassVar[str] = "workers load by themselves what they could share"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        if view.analysis.kind != "server":
            raise NotRunError(SCRIPT)
        if not memory.imports:
            raise NotRunError("no process was seen to start: launch the server")
        workers = _workers(view)
        if workers:
            yield self._cause(view, workers)

    def _cause(self, view: View, workers: Sequence[Process]) -> MemoryCause:
        memory = memory_of(view)
        ids = {worker.id for worker in workers}
        loaded = loaded_by(one for one in memory.imports if one.process in ids)
        each = min(loaded.values())
        saved = (len(workers) - 1) * each
        lines = asked(view, [one for one in memory.imports if one.process in ids])[:_SHOWN]
        heavy = "; ".join(
            f"{units.size(max(line.by_process.values()))} at {line.frame.file.rpartition('/')[2]}:{line.frame.line}"
            for line in lines
        )
        private = [process.private for process in memory.processes if process.process in ids and process.private]
        claims = [
            Evidence(
                f"Each of {units.plural(len(workers), 'worker')} grew by {units.size(each)} or more while it imported"
                + (f": {heavy}." if heavy else "."),
                each,
                "bytes",
                n=len(workers),
            )
        ]
        if private:
            claims.append(
                Evidence(
                    f"At the end each has {units.size(min(private))} or more that it shares with nobody.",
                    min(private),
                    "bytes",
                    n=len(private),
                )
            )
        return MemoryCause(
            rule=self.name,
            title=f"{units.plural(len(workers), 'worker')} load {units.size(each)} each that they could share",
            bytes=saved,
            where=None,
            evidence=tuple(claims),
            advice=Advice(
                f"load the application before workers fork (gunicorn --preload) and call gc.freeze() then: saves up to "
                f"{units.size(saved)}, {len(workers) - 1} × {units.size(each)}; open connections and start threads after the fork"
                + (
                    ""
                    if "gunicorn" in workers[0].command
                    else "; a server that spawns its workers cannot share: run it below gunicorn"
                )
            ),
            confidence=Confidence(
                "medium",
                "pages that workers write to are copied all the same; looks at memory write to some: compare PSS without --memory",
            ),
            detail="process",
        )


def sharers(view: View) -> set[int]:
    """Processes whose imports this rule tells of."""
    return {worker.id for worker in _workers(view)} if view.analysis.kind == "server" else set()


def _workers(view: View) -> list[Process]:
    """The most workers of one parent that each imported much, and were there together."""
    loaded = loaded_by(memory_of(view).imports)
    end = view.analysis.run.duration
    groups: defaultdict[int, list[Process]] = defaultdict(list)
    for process in view.analysis.processes:
        lives = process.ended is None or process.ended >= end - _AT_THE_END
        if lives and process.parent_pid is not None and loaded.get(process.id, 0) >= _EACH:
            groups[process.parent_pid].append(process)
    pids = {process.pid for process in view.analysis.processes}
    found = max((group for parent, group in groups.items() if parent in pids), key=len, default=[])
    saved = (len(found) - 1) * min((loaded[process.id] for process in found), default=0)
    return found if len(found) > 1 and saved >= _SAVED else []
