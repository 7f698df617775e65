"""The only file that knows the order of the rooms: target → collectors → recording → analysis → findings → report."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.errors import PerfkitError
from perfkit.model.finding import Silence
from perfkit.model.recording import Engine as EngineName
from perfkit.model.recording import Gap, Run
from perfkit.model.report import Accounting, Report
from perfkit.model.target import Command, Outcome, RunningProcess, StoppedBy, Workload

if TYPE_CHECKING:
    from perfkit.collectors.interface import Collector, Context, Engine
    from perfkit.recordings import Writer
    from perfkit.shared.diagnosis import Check
    from perfkit.targets.launch import Launched
    from perfkit.targets.load import LoadGenerator
    from perfkit.targets.while_command import WhileCommand

PROBE_FOLDER = str(Path(__file__).parent / "probe")
GRACE = 10.0
_TICK = 0.02
_SAVE_EVERY = 1.0


@dataclass(frozen=True)
class Options:
    """How to measure. Seconds; `duration` counts from the moment the target is ready (at once without --ready or --load)."""

    engine: EngineName = "py-spy"
    rate: float = 100.0
    duration: float | None = None
    warmup: float = 0.0
    exclude: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    path_map: tuple[tuple[str, str], ...] = ()
    workload: Workload = field(default_factory=Workload)


@dataclass(frozen=True)
class Measured:
    """How measuring went. `failure` is set where nothing, or not everything, could be recorded; `path` may still be there."""

    path: Path | None
    outcome: Outcome
    failure: PerfkitError | None = None


@dataclass(frozen=True)
class Progress:
    """Something worth a word on the terminal while measuring."""

    what: str
    seconds: float
    processes: int = 0
    samples: int = 0


Say = Callable[[Progress], None]


class Measuring:
    """One run under way: the target, its collectors, its workload and its recording, moved on by one loop."""

    def __init__(self, target: Command | RunningProcess, options: Options, path: Path, say: Say) -> None:
        from perfkit.shared.redact import argv

        self.options, self.say = options, say
        self._command = target if isinstance(target, Command) else None
        self._process = target if isinstance(target, RunningProcess) else None
        self.path = path
        self._cwd = target.cwd or str(Path.cwd())
        words = target.argv if isinstance(target, Command) else ()
        self._description = argv(words) if words else getattr(target, "description", "")
        self._spool = tempfile.mkdtemp(prefix="perfkit-")
        self._begun = time.monotonic()
        self._started = time.time()
        self._stopped_by: StoppedBy | None = None
        self._ready_at: float | None = None
        self._failure: PerfkitError | None = None
        self._launched: Launched | None = None
        self._engine: Engine | None = None
        self._collectors: list[Collector] = []
        self._writer: Writer | None = None
        self._load: LoadGenerator | None = None
        self._while: WhileCommand | None = None
        self._ended_at: float | None = None

    def clock(self) -> float:
        return time.monotonic() - self._begun

    def measure(self) -> Measured:
        from perfkit.recordings import Writer
        from perfkit.targets.interruption import Interruption

        try:
            self._writer = Writer(self.path, self._run())
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
        from perfkit.collectors.system import SystemCollector

        engine = ENGINES.load(self.options.engine)
        workload = self.options.workload
        self._prepare_workload(workload)
        if self._command is not None:
            self._launch(self._command, engine.environment(self._spool, os.getpid()))
        context = self._context()
        follow = Follow(context)
        self._engine = engine(context, follow)
        self._collectors = [follow, self._engine, SystemCollector(context, follow)]
        self._follow = follow
        if self._ready is None:
            self._ready_at = 0.0
            self._start_workload()

    def _prepare_workload(self, workload: Workload) -> None:
        """Refuse what cannot work before anything is started."""
        from perfkit.targets.load import LoadGenerator
        from perfkit.targets.ready import Ready
        from perfkit.targets.while_command import WhileCommand

        self._load = LoadGenerator(workload.load) if workload.load else None
        self._while = WhileCommand(workload.command) if workload.command else None
        self._ready = Ready(workload.ready, workload.load) if workload.ready or workload.load else None

    def _launch(self, command: Command, extra: dict[str, str]) -> None:
        from perfkit.targets.launch import Launched

        if extra:
            before = os.environ.get("PYTHONPATH")
            extra = {**extra, "PYTHONPATH": PROBE_FOLDER + (os.pathsep + before if before else "")}
        self._launched = Launched.start(command, extra)
        self._begun = time.monotonic()
        self._started = time.time()

    def _context(self) -> Context:
        from perfkit.collectors.interface import Context
        from perfkit.shared.origin import Origins

        pid = self._launched.pid if self._launched else self._process.pid if self._process else 0
        assert self._writer is not None
        return Context(
            sink=self._writer,
            root_pid=pid,
            clock=self.clock,
            origins=Origins(self._project()),
            spool=self._spool,
            rate=self.options.rate,
            attached=self._process is not None,
            path_map=self.options.path_map,
        )

    def _project(self) -> tuple[str, ...]:
        """The project's folders: as told, else where the target runs, and where its script lies."""
        if self.options.project:
            return tuple(str(Path(folder).resolve()) for folder in self.options.project)
        folders = [self._cwd]
        for word in self._command.argv[:3] if self._command else ():
            path = Path(self._cwd, word)
            if word.endswith(".py") and path.is_file() and not path.resolve().is_relative_to(self._cwd):
                folders.append(str(path.resolve().parent))
        return tuple(folders)

    def _loop(self, interruption: object) -> None:
        from perfkit.targets.interruption import Interruption

        assert isinstance(interruption, Interruption)
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
        self._stopped_by = "signal" if interruption.received else "target"

    def _reason_to_stop(self, interruption: object, now: float) -> StoppedBy | None:
        if getattr(interruption, "received", None):
            return "signal"
        if self._ready_at is None:
            assert self._ready is not None
            if self._ready.poll():
                self._ready_at = now
                self.say(Progress("ready", now))
                self._start_workload()
            elif now > self.options.workload.ready_timeout:
                self._failure = PerfkitError(
                    f"the target did not answer within {self.options.workload.ready_timeout:.0f} s.",
                    "check the URL or port given to --load or --ready, or allow more with --ready-timeout",
                )
                return "perfkit"
            return None
        if self.options.duration is not None and now - self._ready_at >= self.options.duration:
            return "duration"
        loaded = self._load is not None and self._load.finished
        if loaded or (self._while is not None and self._while.poll() is not None):
            return "workload"
        return None

    def _start_workload(self) -> None:
        if self._load is not None:
            self._load.start(self.clock)
        if self._while is not None:
            self._while.start()

    def _target_ended(self) -> bool:
        from perfkit.shared.processes import alive

        if self._launched is not None:
            return self._launched.poll() is not None
        return self._process is None or not alive(self._process.pid)

    def _poll(self) -> None:
        for collector in self._collectors:
            collector.poll()

    def _guarded(self, step: Callable[[], object]) -> None:
        """A recording that cannot be written any more ends measuring, never the target."""
        try:
            step()
        except PerfkitError as error:
            self._failure = self._failure or error
            self._collectors = []

    def _save(self) -> None:
        assert self._writer is not None and self._engine is not None
        if self._load is not None:
            self._writer.requests(self._load.drain())
        self._writer.run(self._run())
        self._writer.commit()
        self.say(Progress("measuring", self.clock(), len(self._follow.alive), self._engine.measured))

    def _stop_target(self, interruption: object) -> None:
        """Finish the windows first, while the target still stands, then stop it gently; an attached one runs on."""
        if self._stopped_by != "signal":
            self._finish_collectors()
        if self._load is not None:
            self._load.stop()
        if self._launched is None:
            return
        gentle = signal.SIGTERM
        received = getattr(interruption, "received", None)
        if received is not None:
            gentle = received
        elif self.options.engine != "py-spy":
            gentle = signal.SIGINT  # engines inside the target write at its end, which SIGTERM would cut short
        reached = getattr(interruption, "reached_target", False)
        self._launched.begin_stop(None if reached else gentle, time.monotonic(), GRACE)
        self._finish_collectors()
        times = getattr(interruption, "times", 0)
        while not self._launched.advance_stop(time.monotonic()):
            if getattr(interruption, "times", 0) > times:
                times = getattr(interruption, "times", 0)
                self._launched.begin_stop(signal.SIGTERM, time.monotonic(), 1.0)
            time.sleep(_TICK)

    def _finish_collectors(self) -> None:
        if self._ended_at is None:
            self._ended_at = self.clock()
            for collector in reversed(self._collectors):
                self._guarded(collector.stop)

    def _end(self) -> Outcome:
        self._finish_collectors()
        if self._load is not None:
            self._load.stop()
        code = self._launched.poll() if self._launched else None
        workload = self._while.poll() if self._while else None
        if self._while is not None and workload is None:
            self._while.stop()
        return Outcome(code, self._stopped_by or "target", workload)

    def _seal(self, outcome: Outcome) -> None:
        from perfkit.collectors.sources import keep_sources

        def write() -> None:
            assert self._writer is not None and self._engine is not None
            if hasattr(self._engine, "finish"):
                self._engine.finish()
            if self._load is not None:
                self._writer.requests(self._load.drain())
            keep_sources(self._writer, self._engine.stack_seconds)
            self._writer.seal(self._run(outcome))

        if self._failure is None or self._failure.exit_code == 125:
            self._guarded(write)
        if not self._has_data() and self._failure is None:
            self._failure = self._nothing_measured(outcome)

    def _has_data(self) -> bool:
        return self._engine is not None and self._engine.measured > 0

    def _nothing_measured(self, outcome: Outcome) -> PerfkitError:
        from perfkit.recordings import load

        gaps: Sequence[Gap] = load(self.path).gaps
        name = self._description.split()[0] if self._description else "the target"
        if gaps:
            return PerfkitError(f"nothing was measured of {name}: {gaps[0].why}.", gaps[0].remedy)
        if not self._follow.count:
            return PerfkitError(
                f"{self._description} started no Python process that perfkit could see.",
                "give a command that runs Python: perfkit run -- python app.py",
            )
        return PerfkitError(
            f"{self._description} ended after {self.clock():.2f} s, before a sample was taken.",
            "give it more to do, or measure the server or test suite that calls it",
        )

    def _run(self, outcome: Outcome | None = None) -> Run:
        workload = self.options.workload
        return Run(
            perfkit_version=__version__,
            mode="attach" if self._process else "run",
            engine=self.options.engine,
            command=self._description,
            cwd=self._cwd,
            project=self._project(),
            started=self._started,
            duration=self._ended_at if self._ended_at is not None else self.clock(),
            rate=self.options.rate,
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            platform=" ".join(os.uname()[i] for i in (0, 2, 4)),
            ready_at=self._ready_at or None,
            warmup=self.options.warmup,
            exclude=self.options.exclude,
            workload=_describe(workload),
            exit_code=outcome.exit_code if outcome else None,
            stopped_by=outcome.stopped_by if outcome else None,
            sampler_cpu=self._engine.cpu if self._engine else 0.0,
            commit=_commit(self._cwd) if outcome else None,
        )

    def _close(self) -> None:
        """Leave nothing behind: no process of ours, no spool, no empty recording."""
        if self._while is not None:
            self._while.stop()
        if self._launched is not None and self._launched.poll() is None:
            self._launched.stop(signal.SIGTERM, 1.0)
        if self._writer is not None:
            self._writer.close()
            if not self._has_data():
                self.path.unlink(missing_ok=True)
        shutil.rmtree(self._spool, ignore_errors=True)


def _describe(workload: Workload) -> str | None:
    from perfkit.shared.redact import text

    if workload.load is not None:
        return f"{workload.load.concurrency} clients on " + text(" ".join(workload.load.urls))
    return text(workload.command) if workload.command else None


def _commit(folder: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", folder, "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def measure(target: Command | RunningProcess, options: Options, path: Path, say: Say) -> Measured:
    """Launch or attach, measure until something ends it, and leave a sealed recording at `path`."""
    return Measuring(target, options, path, say).measure()


def report_of(path: Path, silences: Sequence[Silence], today: date | None = None) -> Report:
    """The report of a recording on disk; the same recording gives the same report, except for silences that expire."""
    from perfkit.analysis import analyse
    from perfkit.findings import judge
    from perfkit.recordings import load
    from perfkit.reports.headline import headline

    recording = load(path)
    analysis = analyse(recording)
    verdicts = judge(analysis, silences, today or datetime.now().date())
    return Report(
        headline=headline(analysis, verdicts.findings),
        analysis=analysis,
        findings=verdicts.findings,
        silenced=verdicts.silenced,
        checks=verdicts.checks,
        accounting=Accounting(analysis.measured, verdicts.explained, analysis.measured - verdicts.explained),
        gaps=analysis.gaps,
        recording=str(path),
        overhead=analysis.run.sampler_cpu / analysis.run.duration if analysis.run.duration else None,
    )


def render(report: Report, format: str, *, color: bool = False, width: int = 90, unicode: bool = True) -> str:
    """A report as text in one of the formats. Raises PerfkitError for an unknown format."""
    from perfkit.reports import FORMATS, RenderOptions

    return FORMATS.load(format)(report, RenderOptions(color=color, width=width, unicode=unicode))


def with_links(report: Report, html: str | None) -> Report:
    return replace(report, html=html)


def diagnose(folder: Path, pid: int | None) -> Iterator[Check]:
    """What works on this machine, for recordings kept in `folder`, and on a running process. Each is tried as it is asked
    for. Raises PerfkitError (1) for a pid that is gone."""
    from perfkit.collectors import checkup, checkup_process
    from perfkit.recordings.checkup import folder as recordings_folder
    from perfkit.shared.diagnosis import Check

    if pid is not None:
        yield from checkup_process.process(pid)
    yield Check("ok", f"perfkit {__version__} on Python {platform.python_version()}, {' '.join(os.uname()[::4])}")
    yield from checkup.machine(PROBE_FOLDER)
    yield recordings_folder(folder)
    yield _offline_report()


def _offline_report() -> Check:
    """Makes a recording and its HTML report, and looks for anything that a browser would fetch."""
    from perfkit.recordings import Writer
    from perfkit.shared.diagnosis import Check
    from perfkit.shared.offline import fetched
    from perfkit.shared.units import size

    with tempfile.TemporaryDirectory(prefix="perfkit-") as spool:
        path = Path(spool, "empty.perfkit")
        run = Run(__version__, "run", "py-spy", "python", spool, (spool,), time.time(), 0.0, 100.0, 1, "")
        Writer(path, run).seal(run)
        html = render(report_of(path, ()), "html")
    addresses = fetched(html)
    if addresses:
        return Check("warn", f"report: the HTML asks the network for {len(addresses)} files, first {addresses[0]}")
    return Check("ok", f"report: HTML opens offline ({size(len(html.encode()))} shell, 0 files from the network)")
