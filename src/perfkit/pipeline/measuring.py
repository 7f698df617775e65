"""From a target to a recording: launch or attach, poll the collectors, stop when something ends it, seal."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.model.recording import Gap, Run
from perfkit.model.target import Command, Outcome, RunningProcess, StoppedBy
from perfkit.pipeline import circumstances
from perfkit.pipeline.collecting import PROBE_FOLDER, Collecting, environment
from perfkit.pipeline.driving import Driving
from perfkit.pipeline.values import Measured, Options, Progress, Say

if TYPE_CHECKING:
    from perfkit.collectors.interface import Context
    from perfkit.recordings import Writer
    from perfkit.targets.ending import Ending
    from perfkit.targets.interruption import Interruption
    from perfkit.targets.launch import Launched

GRACE = 10.0
_SURVIVE = ("py-spy", "tachyon", "memray")  # engines that have all whichever way the target ends
_TICK = 0.02
# Seconds between two looks of ours, once a target has begun: each takes something of the machine on which the target runs.
_CALM_TICK, _CALM_AFTER = 0.05, 3.0
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
        self._driving = Driving(options.workload, self.clock, changing=options.memory)
        self._spool = tempfile.mkdtemp(prefix="perfkit-")
        self._stopped_by: StoppedBy = "target"
        self._failure: PerfkitError | None = None
        self._ended_at: float | None = None
        self._launched: Launched | None = None
        self._collecting: Collecting | None = None
        self._given_up = False
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
            path = self.path if self._has_data() else None
            return Measured(path, outcome, self._failure, interruption.received is not None)
        finally:
            self._close()

    def _begin(self) -> None:
        from perfkit.collectors import ENGINES

        engine = ENGINES.load(self._options.engine)
        if isinstance(self._target, Command):
            self._launch(self._target, environment(engine, self._options, self._spool, self._project))
        self._collecting = Collecting(self._context(), self._options, engine, self._project)
        self._driving.begin()

    def _launch(self, command: Command, extra: dict[str, str]) -> None:
        from perfkit.targets.launch import Launched

        if extra:
            before = command.environ.get("PYTHONPATH", os.environ.get("PYTHONPATH"))
            extra = {**extra, "PYTHONPATH": PROBE_FOLDER + (os.pathsep + before if before else "")}
        self._launched = Launched.start(command, extra, heeds_sigint=self._ends_in_order)
        self._begun, self._started = time.monotonic(), time.time()

    def _context(self) -> Context:
        from perfkit.collectors.interface import Context
        from perfkit.shared.origin import Origins

        return Context(
            sink=self._writer,
            root_pid=self._root_pid,
            clock=self.clock,
            origins=Origins(self._project),
            spool=self._spool,
            rate=self._options.rate,
            attached=isinstance(self._target, RunningProcess),
            path_map=self._options.path_map,
            measured_from=self._measured_from,
            root=self._root(),
        )

    @property
    def _root_pid(self) -> int:
        return self._launched.pid if self._launched else getattr(self._target, "pid", 0)

    def _root(self) -> str:
        """Of what runs in a container; what was launched sees our files."""
        from perfkit.collectors.target_files import root_of

        return root_of(self._target.pid) if isinstance(self._target, RunningProcess) else ""

    def _measured_from(self) -> float | None:
        ready_at = self._driving.ready_at
        return None if ready_at is None else ready_at + self._options.warmup

    def _loop(self, interruption: Interruption) -> None:
        from perfkit.targets.ending import Ending

        with Ending(self._root_pid) as ending:
            self._loop_until(ending, interruption)

    def _loop_until(self, ending: Ending, interruption: Interruption) -> None:
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
            ending.wait(self._tick(now))
        if interruption.received:
            self._stopped_by = "signal"

    def _tick(self, now: float) -> float:
        ready_at = self._driving.ready_at
        calm = ready_at is not None and now - ready_at > _CALM_AFTER and not self._options.memory
        return _CALM_TICK if calm else _TICK

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
        if self._collecting is not None and not self._given_up:
            self._collecting.poll()

    def _make_spool_anew(self) -> None:
        """Something cleans temporary folders. py-spy goes on in a new one; what the probe has not written yet is lost."""
        os.mkdir(self._spool, 0o700)
        if self._collecting is not None:
            self._collecting.spool_was_removed()
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
        self._given_up = True

    def _save(self) -> None:
        self._writer.requests(self._driving.requests())
        self._writer.run(self._run())
        self._writer.commit()
        if self._collecting is not None:
            alive = len(self._collecting.follow.alive)
            self._say(Progress("measuring", self.clock(), alive, self._collecting.measured))

    def _stop_target(self, interruption: Interruption) -> None:
        """Finish the windows first, while the target still stands, then stop it gently; an attached one runs on."""
        if self._stopped_by != "signal":
            self._finish_collectors()
        self._driving.stop()  # before the target, so that no request fails because of us
        if self._launched is None:
            return
        number = interruption.received or signal.SIGTERM
        if not interruption.received and self._ends_in_order:
            number = signal.SIGINT
        times = interruption.times  # a second signal may come while the collectors finish
        self._launched.begin_stop(None if interruption.reached_target else number, time.monotonic(), GRACE)
        self._finish_collectors()
        while not self._launched.advance_stop(time.monotonic()):
            if interruption.times > times:
                times = interruption.times
                self._launched.begin_stop(signal.SIGTERM, time.monotonic(), 1.0)
            time.sleep(_TICK)

    @property
    def _ends_in_order(self) -> bool:
        """Engines inside the target write at its end, which SIGTERM would cut short."""
        return self._options.counting or self._options.engine not in _SURVIVE

    def _finish_collectors(self) -> None:
        if self._ended_at is None:
            self._ended_at = self.clock()
            for collector in reversed(self._collecting.collectors) if self._collecting else ():
                if not self._given_up:
                    self._guarded(collector.stop)

    def _end(self) -> Outcome:
        self._finish_collectors()
        self._driving.stop()
        collecting, until = self._collecting, self._ended_at
        if collecting is not None and not self._given_up:
            self._say(Progress("reading", self.clock()))
            self._guarded(lambda: collecting.last_words(until))
        return Outcome(self._launched.poll() if self._launched else None, self._stopped_by, self._driving.exit_code)

    def _seal(self, outcome: Outcome) -> None:
        self._guarded(lambda: self._write_rest(outcome))
        if not self._has_data() and self._failure is None:
            self._failure = self._nothing_measured()

    def _write_rest(self, outcome: Outcome) -> None:
        from perfkit.collectors.sources import keep_sources

        if self._collecting is None:
            return
        engine = self._collecting.engine
        if hasattr(engine, "finish"):
            engine.finish()
        self._writer.requests(self._driving.requests())
        keep_sources(self._writer, self._collecting.stack_seconds(), self._root())
        self._writer.seal(self._run(outcome))

    def _has_data(self) -> bool:
        measured = self._collecting is not None and self._collecting.measured > 0
        if self._options.counting and self._failure is None:
            return True
        return measured and (self._failure is None or self._reached_the_disk())

    def _reached_the_disk(self) -> bool:
        """Whether anything of what was measured can be read back: a full disk may have kept all of it away."""
        from perfkit.recordings import load

        try:
            found = load(self.path)
        except PerfkitError:
            return False
        return bool(len(found.samples) or found.calls or found.line_bytes)

    def _nothing_measured(self) -> PerfkitError:
        from perfkit.recordings import load

        gaps: Sequence[Gap] = load(self.path).gaps
        if gaps:
            name = self._description.split()[0] if self._description else "the target"
            gap = next((gap for gap in gaps if gap.what.startswith("samples of")), gaps[0])
            return PerfkitError(f"nothing was measured of {name}: {gap.why}.", gap.remedy)
        seen = self._collecting is not None and self._collecting.follow.count
        if not seen and not self._is_python():
            return PerfkitError(
                f"{self._description} started no Python process that perfkit could see.",
                "give a command that runs Python: perfkit run -- python app.py",
            )
        return PerfkitError(
            f"{self._description} ended after {self.clock():.2f} s, before a sample was taken.",
            "give it more to do, or measure the server or test suite that calls it",
        )

    def _is_python(self) -> bool:
        """By its name alone: it may have ended before anybody could look at it."""
        target = self._target
        return isinstance(target, Command) and Path(target.executable).name.startswith(("python", "pypy"))

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
            sampler_cpu=self._collecting.engine.cpu if self._collecting else 0.0,
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
