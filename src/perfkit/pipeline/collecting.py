"""What a run is measured with: the collectors that its options ask for, polled, stopped and read to the end together."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.pipeline.left_out import no_containers, no_probe

if TYPE_CHECKING:
    from perfkit.collectors.entering import Entering
    from perfkit.collectors.interface import Collector, Context, Engine
    from perfkit.pipeline.values import Options

PROBE_FOLDER = str(Path(__file__).parents[1] / "probe")


def has_probe(options: Options, running: bool) -> bool:
    """Only samples share a recording with the probe: the engines inside the target would profile it."""
    return options.engine == "py-spy" and (options.sql if running else options.probe)


def open_spool(spool: str, to_be_listed: bool) -> None:
    """Workers that give up root can still add their own file, and read none; where they look for wishes, see its name."""
    if os.geteuid() == 0:
        os.chmod(spool, 0o1777 if to_be_listed else 0o1733)


def environment(engine: type[Engine], options: Options, spool: str, project: tuple[str, ...]) -> dict[str, str]:
    """What a launched target's environment needs, the probe's folder apart."""
    from perfkit.collectors.probe import ProbeCollector

    extra = engine.environment(spool, os.getpid())
    if "PERFKIT_ENGINE" in extra:
        extra["PERFKIT_TARGET_PROJECT"] = os.pathsep.join(project)
    if has_probe(options, running=False):
        open_spool(spool, options.lines or options.calls)
        extra |= ProbeCollector.variables(spool, project, options.keep_literals, options.memory, options.counting)
        if options.tracemalloc:
            from perfkit.collectors.allocations import AllocationsCollector

            AllocationsCollector.wish(spool, options.tracemalloc)
        if options.lines or options.calls:
            from perfkit.collectors.lines import LinesCollector

            extra |= LinesCollector.variables(_wish(options, spool))
    return extra


def _wish(options: Options, spool: str) -> Path | None:
    """What is counted from the start; None where samples are to find it first."""
    if not options.lines_of:
        return None
    from perfkit.collectors.wishes import write_wish

    return write_wish(spool, "calls" if options.calls else "lines", options.lines_of, options.path_map)


class Collecting:
    """All collectors of one run. `engine` says where the time goes, `follow` which processes there are."""

    def __init__(self, context: Context, options: Options, engine: type[Engine], project: tuple[str, ...]) -> None:
        from perfkit.collectors.follow import Follow
        from perfkit.collectors.system import SystemCollector

        self._context, self._options, self._project = context, options, project
        self.follow = Follow(context)
        self.engine = engine(context, self.follow)
        self.collectors: list[Collector] = [self.follow, self.engine, SystemCollector(context, self.follow)]
        self._entering = self._enters()
        refused = self._entering.refused if self._entering else {}
        if options.memory:
            from perfkit.collectors.memory import MemoryCollector

            self.collectors.append(MemoryCollector(context, self.follow))
        self._allocations = None
        if options.tracemalloc:
            from perfkit.collectors.allocations import AllocationsCollector

            self._allocations = AllocationsCollector(context, options.tracemalloc)
            self.collectors.append(self._allocations)
        self._lines = None
        if options.lines:
            from perfkit.collectors.lines import LinesCollector

            self._lines = LinesCollector(context, self.follow, self.engine, options.duration, options.lines_of, refused)
            self.collectors.append(self._lines)
        self._calls = None
        if options.calls:
            from perfkit.collectors.calls import CallsCollector

            self._calls = CallsCollector(context, self.follow, self.engine, options.duration, options.lines_of, refused)
            self.collectors.append(self._calls)
        self._probe = None
        if has_probe(options, context.attached):
            from perfkit.collectors.probe import ProbeCollector

            self._probe = ProbeCollector(context, self.follow, refused)
            self.collectors.append(self._probe)
        if self._entering is not None:
            # The last: it is the first to be stopped, and then there is all to read.
            self.collectors.append(self._entering)
        self._say_what_is_left_out()

    def _enters(self) -> Entering | None:
        """The way into what runs already, where there is anything to do inside."""
        options = self._options
        if not self._context.attached or not (options.sql or options.lines or options.calls):
            return None
        from perfkit.collectors.entering import Entering, Order

        open_spool(self._context.spool, to_be_listed=True)
        _wish(options, self._context.spool)
        if options.tracemalloc:
            from perfkit.collectors.allocations import AllocationsCollector

            AllocationsCollector.wish(self._context.spool, options.tracemalloc)
        order = Order(options.sql, self._project, options.keep_literals, options.memory)
        return Entering(self._context, self.follow, PROBE_FOLDER, order)

    def _say_what_is_left_out(self) -> None:
        attached = self._context.attached
        if self._probe is None and self._options.engine == "py-spy":
            self._context.sink.gap(no_probe(attached))
        if self._options.memory and self._probe is None:
            self._context.sink.gap(no_containers(attached))

    @property
    def measured(self) -> int:
        """Samples or calls so far."""
        return self.engine.measured

    def poll(self) -> None:
        for collector in self.collectors:
            collector.poll()

    def spool_was_removed(self) -> None:
        """There is another one in its place, and empty."""
        if self._probe is not None:
            open_spool(self._context.spool, self._options.lines or self._options.calls)
            self._probe.give_up()

    def last_words(self, until: float | None) -> None:
        """What the target left in the spool, of what was over by `until` (seconds of the run's clock)."""
        if self._probe is not None and until is not None:
            self._probe.take_last_words(until)
        if self._allocations is not None:
            self._allocations.take_last_words()
        if self._lines is not None:
            self._lines.take_last_words()
        if self._calls is not None:
            self._calls.take_last_words()
        if self._entering is not None:
            self._entering.take_last_words()

    def stack_seconds(self) -> Counter[int]:
        """By stack: which functions' text is worth to be kept."""
        seconds = Counter(self.engine.stack_seconds)
        if self._probe is not None:
            seconds.update(self._probe.stack_seconds)
            # Bytes weigh as much as seconds: the line that grew most is as worth seeing as the slowest one.
            slowest, most = max(seconds.values(), default=1.0), max(self._probe.stack_bytes.values(), default=0)
            seconds.update({stack: slowest * size / most for stack, size in self._probe.stack_bytes.items() if size})
        return seconds
