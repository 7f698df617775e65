"""From a target to a recording: launch or attach, poll the collectors, stop when something ends it, seal."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.model.recording import Gap, Run
from perfkit.model.target import Command, Outcome, RunningProcess, StoppedBy
from perfkit.pipeline import circumstances
from perfkit.pipeline.driving import Driving
from perfkit.pipeline.left_out import NO_CONTAINERS, no_probe
from perfkit.pipeline.values import Measured, Options, Progress, Say

if TYPE_CHECKING:
    from perfkit.collectors.entering import Entering
    from perfkit.collectors.follow import Follow
    from perfkit.collectors.interface import Collector, Context, Engine
    from perfkit.collectors.lines import LinesCollector
    from perfkit.collectors.probe import ProbeCollector
    from perfkit.recordings import Writer
    from perfkit.targets.interruption import Interruption
    from perfkit.targets.launch import Launched

PROBE_FOLDER = str(Path(__file__).parents[1] / "probe")
GRACE = 10.0
_TICK = 0.02
_SAVE_EVERY = 1.0


def measure(
    target: Command | RunningProcess, options: Options, path: Path, say: Say = lambda progress: None
) -> Measured:
    """Launch or attach, measure until something ends it, and leave a sealed recording at `path`."""
    if os.name != "posix":
        raise PerfkitError(
            "perfkit measures on Linux and macOS only.", "run it in WSL, or show a recording from elsewhere"
        )
    return Measuring(target, options, path, say).measure()


class Measuring:
    """One run under way: the target, its collectors, its workload and its recording, moved on by one loop."""

    def __init__(self, target: Command | RunningProcess, options: Options, path: Path, say: Say) -> None:
        from perfkit.recordings import Writer

        self.path = path
        self._target, self._options, self._say = target, options, say
        self._description = circumstances.describe_target(target)
        self._project = circumstances.project_folders(target, options.project)
        self._begun, self._started = time.monotonic(), time.time()
        self._driving = Driving(options.workload, self.clock)
        self._spool = tempfile.mkdtemp(prefix="perfkit-")
        self._stopped_by: StoppedBy = "target"
        self._failure: PerfkitError | None = None
        self._ended_at: float | None = None
        self._launched: Launched | None = None
        self._engine: Engine | None = None
        self._follow: Follow | None = None
        self._probe: ProbeCollector | None = None
        self._lines: LinesCollector | None = None
        self._collectors: list[Collector] = []
        self._writer: Writer = Writer(path, self._run())

    def clock(self) -> float:
        return time.monotonic() - self._begun

    def measure(self) -> Measured:
        from perfkit.targets.interruption import Interruption

        try:
            with Interruption() as interruption:
                self._begin()
                self._loop(interruption)
                outcome = self._end()
            self._seal(outcome)
            return Measured(self.path if self._has_data() else None, outcome, self._failure)
        finally:
            self._close()

    def _begin(self) -> None:
        from perfkit.collectors import ENGINES
        from perfkit.collectors.follow import Follow
        from perfkit.collectors.probe import ProbeCollector
        from perfkit.collectors.system import SystemCollector

        engine = ENGINES.load(self._options.engine)
        if isinstance(self._target, Command):
            self._launch(self._target, self._environment(engine))
        context = self._context()
        self._follow = Follow(context)
        self._engine = engine(context, self._follow)
        self._collectors = [self._follow, self._engine, SystemCollector(context, self._follow)]
        if self._options.memory:
            from perfkit.collectors.memory import MemoryCollector

            self._collectors.append(MemoryCollector(context, self._follow))
        if self._options.lines:
            from perfkit.collectors.lines import LinesCollector

            running = isinstance(self._target, RunningProcess)
            self._lines = LinesCollector(
                context,
                self._follow,
                self._engine,
                self._options.duration,
                self._options.lines_of,
                self._entering() if running else None,
            )
            self._collectors.append(self._lines)
        if self._with_probe():
            self._probe = ProbeCollector(context, self._follow)
            self._collectors.append(self._probe)
        elif self._options.engine == "py-spy":
            self._writer.gap(no_probe(isinstance(self._target, RunningProcess)))
        if self._options.memory and self._probe is None:
            self._writer.gap(NO_CONTAINERS)
        self._driving.begin()

    def _with_probe(self) -> bool:
        """Only samples share a recording with the probe: the engines inside the target would profile it."""
        return isinstance(self._target, Command) and self._options.probe and self._options.engine == "py-spy"

    def _environment(self, engine: type[Engine]) -> dict[str, str]:
        from perfkit.collectors.probe import ProbeCollector

        extra = engine.environment(self._spool, os.getpid())
        if self._with_probe():
            self._open_spool()
            options = self._options
            extra |= ProbeCollector.variables(self._spool, self._project, options.keep_literals, options.memory)
            if options.lines:
                from perfkit.collectors.lines import LinesCollector, write_wish

                given = write_wish(Path(self._spool), options.lines_of, options.path_map) if options.lines_of else None
                extra |= LinesCollector.variables(given)
        return extra

    def _open_spool(self) -> None:
        """Workers that give up root can still add their own file, and read none; where they look for wishes, see its name."""
        if os.geteuid() == 0:
            os.chmod(self._spool, 0o1777 if self._options.lines else 0o1733)

    def _entering(self) -> Entering:
        from perfkit.collectors.entering import Entering

        self._open_spool()
        return Entering(PROBE_FOLDER, self._spool)

    def _launch(self, command: Command, extra: dict[str, str]) -> None:
        from perfkit.targets.launch import Launched

        if extra:
            before = os.environ.get("PYTHONPATH")
            extra = {**extra, "PYTHONPATH": PROBE_FOLDER + (os.pathsep + before if before else "")}
        self._launched = Launched.start(command, extra)
        self._begun, self._started = time.monotonic(), time.time()

    def _context(self) -> Context:
        from perfkit.collectors.interface import Context
        from perfkit.shared.origin import Origins

        return Context(
            sink=self._writer,
            root_pid=self._launched.pid if self._launched else getattr(self._target, "pid", 0),
            clock=self.clock,
            origins=Origins(self._project),
            spool=self._spool,
            rate=self._options.rate,
            attached=isinstance(self._target, RunningProcess),
            path_map=self._options.path_map,
            measured_from=self._measured_from,
        )

    def _measured_from(self) -> float | None:
        ready_at = self._driving.ready_at
        return None if ready_at is None else ready_at + self._options.warmup

    def _loop(self, interruption: Interruption) -> None:
        saved = 0.0
        while not self._target_ended():
            now = self.clock()
            self._guarded(self._poll)
            if now - saved >= _SAVE_EVERY:
                saved = now
                self._guarded(self._save)
            reason = self._reason_to_stop(interruption, now)
            if reason is not None:
                self._stopped_by = reason
                self._stop_target(interruption)
                return
            time.sleep(_TICK)
        if interruption.received:
            self._stopped_by = "signal"

    def _reason_to_stop(self, interruption: Interruption, now: float) -> StoppedBy | None:
        if interruption.received:
            return "signal"
        try:
            done = self._driving.poll()
        except PerfkitError as error:
            self._failure = self._failure or error
            return "perfkit"
        if done:
            return "workload"
        ready_at, duration = self._driving.ready_at, self._options.duration
        return "duration" if duration is not None and ready_at is not None and now - ready_at >= duration else None

    def _target_ended(self) -> bool:
        from perfkit.shared.processes import alive

        if self._launched is not None:
            return self._launched.poll() is not None
        return isinstance(self._target, Command) or not alive(self._target.pid)

    def _poll(self) -> None:
        if not os.path.isdir(self._spool):
            self._make_spool_anew()
        for collector in self._collectors:
            collector.poll()

    def _make_spool_anew(self) -> None:
        """Something cleans temporary folders. py-spy goes on in a new one; what the probe has not written yet is lost."""
        os.mkdir(self._spool, 0o700)
        if self._probe is not None:
            self._open_spool()
            self._probe.give_up()
        self._writer.gap(
            Gap(
                f"what the probe saw from second {self.clock():.0f} on, and samples at that moment",
                f"the temporary folder {self._spool} was removed while perfkit measured",
                "keep it from being cleaned, or set TMPDIR to a folder that nobody cleans",
            )
        )

    def _guarded(self, step: Callable[[], object]) -> None:
        """What fails here ends measuring, never the target: a recording that cannot be written any more, or our own mistake."""
        try:
            step()
        except PerfkitError as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001  (whatever it is: the target must not pay for it)
            where = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{Path(where.filename).name}:{where.lineno}"
            message = f"perfkit stopped measuring: {type(error).__name__} at {at}: {error}"
            self._give_up(PerfkitError(message, "report this line; the target ran on"))

    def _give_up(self, failure: PerfkitError) -> None:
        self._failure = self._failure or failure
        self._collectors = []

    def _save(self) -> None:
        self._writer.requests(self._driving.requests())
        self._writer.run(self._run())
        self._writer.commit()
        if self._follow is not None and self._engine is not None:
            self._say(Progress("measuring", self.clock(), len(self._follow.alive), self._engine.measured))

    def _stop_target(self, interruption: Interruption) -> None:
        """Finish the windows first, while the target still stands, then stop it gently; an attached one runs on."""
        if self._stopped_by != "signal":
            self._finish_collectors()
        self._driving.stop()  # before the target, so that no request fails because of us
        if self._launched is None:
            return
        number = interruption.received or signal.SIGTERM
        if not interruption.received and self._options.engine != "py-spy":
            number = signal.SIGINT  # engines inside the target write at its end, which SIGTERM would cut short
        times = interruption.times  # a second signal may come while the collectors finish
        self._launched.begin_stop(None if interruption.reached_target else number, time.monotonic(), GRACE)
        self._finish_collectors()
        while not self._launched.advance_stop(time.monotonic()):
            if interruption.times > times:
                times = interruption.times
                self._launched.begin_stop(signal.SIGTERM, time.monotonic(), 1.0)
            time.sleep(_TICK)

    def _finish_collectors(self) -> None:
        if self._ended_at is None:
            self._ended_at = self.clock()
            for collector in reversed(self._collectors):
                self._guarded(collector.stop)

    def _end(self) -> Outcome:
        self._finish_collectors()
        self._driving.stop()
        probe, until = self._probe, self._ended_at
        if probe in self._collectors and probe is not None and until is not None:
            self._guarded(lambda: probe.take_last_words(until))
        if self._lines is not None and self._lines in self._collectors:
            self._guarded(self._lines.take_last_words)
        return Outcome(self._launched.poll() if self._launched else None, self._stopped_by, self._driving.exit_code)

    def _seal(self, outcome: Outcome) -> None:
        self._guarded(lambda: self._write_rest(outcome))
        if not self._has_data() and self._failure is None:
            self._failure = self._nothing_measured()

    def _write_rest(self, outcome: Outcome) -> None:
        from perfkit.collectors.sources import keep_sources

        if self._engine is None:
            return
        if hasattr(self._engine, "finish"):
            self._engine.finish()
        self._writer.requests(self._driving.requests())
        seconds = Counter(self._engine.stack_seconds)
        if self._probe is not None:
            seconds.update(self._probe.stack_seconds)
        keep_sources(self._writer, seconds)
        self._writer.seal(self._run(outcome))

    def _has_data(self) -> bool:
        measured = self._engine is not None and self._engine.measured > 0
        return measured and (self._failure is None or self._reached_the_disk())

    def _reached_the_disk(self) -> bool:
        """Whether anything of what was measured can be read back: a full disk may have kept all of it away."""
        from perfkit.recordings import load

        try:
            found = load(self.path)
        except PerfkitError:
            return False
        return bool(len(found.samples) or found.calls)

    def _nothing_measured(self) -> PerfkitError:
        from perfkit.recordings import load

        gaps: Sequence[Gap] = load(self.path).gaps
        if gaps:
            name = self._description.split()[0] if self._description else "the target"
            return PerfkitError(f"nothing was measured of {name}: {gaps[0].why}.", gaps[0].remedy)
        if self._follow is None or not self._follow.count:
            return PerfkitError(
                f"{self._description} started no Python process that perfkit could see.",
                "give a command that runs Python: perfkit run -- python app.py",
            )
        return PerfkitError(
            f"{self._description} ended after {self.clock():.2f} s, before a sample was taken.",
            "give it more to do, or measure the server or test suite that calls it",
        )

    def _run(self, outcome: Outcome | None = None) -> Run:
        cwd = self._target.cwd or str(Path.cwd())
        return Run(
            perfkit_version=__version__,
            mode="run" if isinstance(self._target, Command) else "attach",
            engine=self._options.engine,
            command=self._description,
            cwd=cwd,
            project=self._project,
            started=self._started,
            duration=self._ended_at if self._ended_at is not None else self.clock(),
            rate=self._options.rate,
            cores=circumstances.cores(),
            platform=" ".join(os.uname()[i] for i in (0, 2, 4)),
            ready_at=self._driving.ready_at or None,
            warmup=self._options.warmup,
            exclude=self._options.exclude,
            workload=circumstances.describe_workload(self._options.workload),
            exit_code=outcome.exit_code if outcome else None,
            stopped_by=outcome.stopped_by if outcome else None,
            sampler_cpu=self._engine.cpu if self._engine else 0.0,
            commit=circumstances.commit(cwd) if outcome else None,
            memory_limit=circumstances.memory_limit() if self._options.memory else None,
        )

    def _close(self) -> None:
        """Leave nothing behind: no process of ours, no spool, no empty recording."""
        self._driving.stop()
        if self._launched is not None and self._launched.poll() is None:
            self._launched.stop(signal.SIGTERM, 1.0)
        self._writer.close()
        if not self._has_data():
            self.path.unlink(missing_ok=True)
        shutil.rmtree(self._spool, ignore_errors=True)
