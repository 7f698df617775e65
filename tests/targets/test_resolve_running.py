"""pid, port and name → RunningProcess, with real processes; and what is said of those that cannot be attached to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.shared import processes
from perfkit.targets import RESOLVERS, resolve_running
from perfkit.targets import pid as by_pid
from perfkit.targets.port import by_psutil, listeners

Start = Callable[..., subprocess.Popen[str]]
Eventually = Callable[[Callable[[], bool]], bool]
LISTENER = """
import os, socket, sys, time
listener = socket.socket(getattr(socket, sys.argv[1]))
listener.bind(("::1" if sys.argv[1] == "AF_INET6" else "127.0.0.1", 0))
listener.listen()
if all(os.fork() for _ in range(int(sys.argv[2]))):
    print(listener.getsockname()[1], flush=True)
time.sleep(60)
"""
RELOADER = """
import os, socket, subprocess, sys, time
if "CHILD" not in os.environ:
    raise SystemExit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, "CHILD": "1"}))
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(60)
"""


def refusal(text: str) -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        resolve_running(text)
    return caught.value


def said(process: subprocess.Popen[str]) -> str:
    return process.said  # type: ignore[attr-defined, no-any-return]


def test_a_pid_is_described_by_its_command(start: Start, sleeper: Path) -> None:
    process = start(sys.executable, sleeper.name, cwd=sleeper.parent)
    found = resolve_running(f" {process.pid} ")
    assert found.pid == process.pid
    assert found.description == f"{Path(sys.executable).name} {sleeper.name} (pid {process.pid})"
    assert found.cwd == str(sleeper.parent)


def test_a_pid_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert refusal(str(process.pid)).message == f"no process {process.pid} is running."
    assert refusal("9" * 30).exit_code == 125


def test_a_zombie_is_gone(start: Start, eventually: Eventually) -> None:
    process = start("sh", "-c", "echo up; read line < /dev/null; kill -9 $$")
    assert eventually(lambda: not processes.alive(process.pid))
    assert "is running" in refusal(str(process.pid)).message


def test_a_process_that_is_not_python_points_to_its_python_child(start: Start, sleeper: Path) -> None:
    process = start("sh", "-c", f"{sys.executable} {sleeper}; true")
    error = refusal(str(process.pid))
    assert "is not Python" in error.message
    (child,) = processes.descendants(process.pid)
    assert error.hint.endswith(f"perfkit attach {child}")
    assert sleeper.name in error.hint


def test_neither_perfkit_nor_what_started_it_is_attached_to() -> None:
    for pid in (os.getpid(), os.getppid()):
        assert "perfkit itself" in refusal(str(pid)).message


def test_a_free_threaded_build_is_refused(start: Start, sleeper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(sys.executable, str(sleeper))
    monkeypatch.setattr(processes, "_link", lambda path: "/opt/bin/python3.13t")
    error = refusal(str(process.pid))
    assert error.message == f"process {process.pid} runs free-threaded Python 3.13t, which py-spy cannot read."


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_port_is_its_master_not_one_of_the_workers(family: str, start: Start) -> None:
    try:
        process = start(sys.executable, "-c", LISTENER, family, "3", stderr=subprocess.DEVNULL)
        port = int(said(process))
    except ValueError:
        pytest.skip(f"no {family} here")
    assert len(listeners(port)) == 4
    for text in (f":{port}", f"localhost:{port}", f"http://127.0.0.1:{port}/"):
        assert resolve_running(text).pid == process.pid
    assert f"listens on :{port}" in resolve_running(f":{port}").description


def test_psutil_finds_the_same_listeners(start: Start) -> None:
    process = start(sys.executable, "-c", LISTENER, "AF_INET", "1")
    port = int(said(process))
    assert by_psutil(port) == listeners(port)
    assert process.pid in by_psutil(port)


def test_a_connection_to_the_port_is_not_a_listener(start: Start) -> None:
    process = start(sys.executable, "-c", LISTENER, "AF_INET", "0")
    with socket.create_connection(("127.0.0.1", int(said(process)))):
        assert listeners(int(said(process))) == [process.pid]


def test_a_development_server_is_its_reloader(start: Start, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(RELOADER)
    process = start(sys.executable, "manage.py", "runserver", cwd=tmp_path)
    (child,) = processes.descendants(process.pid)
    assert listeners(int(said(process))) == [child]
    assert resolve_running(f":{said(process)}").pid == process.pid


def test_a_port_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert refusal(f":{port}").message == f"no process listens on port {port}."
    assert refusal(":0").exit_code == refusal(":65536").exit_code == 2


def test_our_own_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        assert "perfkit itself" in refusal(f":{ours.getsockname()[1]}").message


def test_a_script_is_found_by_its_name(start: Start, sleeper: Path) -> None:
    process = start(sys.executable, "-u", sleeper.name, cwd=sleeper.parent)
    for text in (sleeper.name, sleeper.stem, sleeper.stem.upper()):
        assert resolve_running(text).pid == process.pid


def test_a_module_is_found_by_its_name(start: Start, sleeper: Path) -> None:
    process = start(sys.executable, "-m", sleeper.stem, cwd=sleeper.parent)
    assert resolve_running(sleeper.stem).pid == process.pid


def test_workers_fold_into_their_master(start: Start, tmp_path: Path) -> None:
    script = tmp_path / f"forker{os.getpid()}.py"
    script.write_text("import os, time\nif os.fork():\n    print('up', flush=True)\ntime.sleep(60)\n")
    process = start(sys.executable, str(script))
    assert len(processes.descendants(process.pid)) == 1
    assert resolve_running(script.name).pid == process.pid


def test_two_that_fit_are_listed_and_not_chosen_from(start: Start, sleeper: Path) -> None:
    started = sorted(start(sys.executable, str(sleeper), "--password", "hunter2").pid for _ in range(2))
    error = refusal(sleeper.name)
    lines = error.message.splitlines()
    assert lines[0] == f"{sleeper.name} is 2 processes:"
    assert [int(line.split()[0]) for line in lines[1:]] == started
    assert all(line.split()[1] == processes.owner(os.getpid()) for line in lines[1:])
    assert "hunter2" not in error.message
    assert error.hint == f"give the pid: perfkit attach {started[0]}"
    assert error.exit_code == 125


def test_a_slip_of_the_finger_is_answered_with_the_nearest_name(start: Start, sleeper: Path) -> None:
    start(sys.executable, str(sleeper))
    wrong = sleeper.name.replace("sleeper", "sleper")
    assert refusal(wrong).hint == f"did you mean {sleeper.name}?"


def test_a_strange_name_lists_what_is_there(start: Start, sleeper: Path) -> None:
    process = start(sys.executable, sleeper.name, cwd=sleeper.parent)
    message = refusal("\x1bzzzzqqqq").message
    assert message.startswith("no Python process is called ?zzzzqqqq.")
    assert str(process.pid) in message or "more" in message


def test_what_is_not_python_has_no_name(start: Start, tmp_path: Path) -> None:
    script = tmp_path / f"shell{os.getpid()}.sh"
    script.write_text("echo up\nread line < fifo\n")
    os.mkfifo(tmp_path / "fifo")
    start("sh", script.name, cwd=tmp_path)
    assert script.name in refusal(script.name).message


def test_a_program_that_only_mentions_the_name_is_not_meant(start: Start, sleeper: Path) -> None:
    start(sys.executable, "-c", "print('up', flush=True); input()", sleeper.name, stdin=subprocess.PIPE)
    process = start(sys.executable, str(sleeper))
    assert resolve_running(sleeper.name).pid == process.pid


def test_no_word_is_a_usage_error() -> None:
    assert refusal(" ").exit_code == 2


def test_every_resolver_loads_and_knows_its_words() -> None:
    accepted = {kind: RESOLVERS.load(kind)().accepts for kind in RESOLVERS}
    assert [kind for kind, accepts in accepted.items() if accepts("811")] == ["pid", "name"]
    assert [kind for kind, accepts in accepted.items() if accepts(":8000")] == ["port", "name"]
    assert [kind for kind, accepts in accepted.items() if accepts("shop.wsgi:app")] == ["name"]


REFUSED = """
from perfkit.errors import PerfkitError
from perfkit.targets import resolve_running
for word in {words!r}:
    try:
        print(resolve_running(word))
    except PerfkitError as error:
        print(error.message, "|", error.hint)
"""


def test_an_ordinary_user_is_told_whose_process_it_is(
    start: Start, sleeper: Path, as_nobody: Callable[[str], str]
) -> None:
    process = start(sys.executable, sleeper.name, "--token", "hunter2", cwd=sleeper.parent)
    listener = start(sys.executable, "-c", LISTENER, "AF_INET", "0")
    texts = as_nobody(REFUSED.format(words=[str(process.pid), sleeper.name, f":{said(listener)}"]))
    told = f"not allowed to read process {process.pid} (owner root, you are nobody)."
    assert texts.count(told) == 2
    assert f"sudo perfkit attach {process.pid}" in texts
    assert re.search(rf"perfkit run -- python\S* {sleeper.name}", texts)
    assert f"listens on port {said(listener)} (owner root)" in texts
    assert "hunter2" not in texts
    assert ("ptrace_scope" in texts) == Path("/proc/sys/kernel/yama/ptrace_scope").exists()


def test_an_ordinary_user_finds_his_own_process(sleeper: Path, as_nobody: Callable[[str], str]) -> None:
    code = f"""
        import os, subprocess, sys
        from perfkit.errors import PerfkitError
        from perfkit.targets import resolve_running
        script = '''{LISTENER}'''
        import tempfile, pathlib
        folder = tempfile.mkdtemp()
        path = pathlib.Path(folder, "{sleeper.name}")
        path.write_text(script)
        process = subprocess.Popen([sys.executable, str(path), "AF_INET", "2"], stdout=-1, text=True)
        port = process.stdout.readline().strip()
        try:
            for text in (str(process.pid), ":" + port, "{sleeper.name}"):
                print(resolve_running(text).pid == process.pid)
        except PerfkitError as error:
            print(error.message)
        finally:
            from perfkit.shared import processes
            for pid in [process.pid, *processes.descendants(process.pid)]:
                os.kill(pid, 9)
            path.unlink()
            os.rmdir(folder)
    """
    lines = as_nobody("\n".join(line[8:] if line.startswith(" " * 8) else line for line in code.splitlines()))
    if "ptrace_scope" in lines:
        pytest.skip("the kernel lets no process read another that it did not start")
    assert lines.split() == ["True"] * 3


@pytest.mark.parametrize(("scope", "says"), [("1", "only a parent"), ("2", "only root"), ("3", "nobody may attach")])
def test_the_kernels_limit_is_named(scope: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "ptrace_scope"
    limit.write_text(f"{scope}\n")
    monkeypatch.setattr(by_pid, "_PTRACE_SCOPE", limit)
    error = by_pid._refused(os.getpid(), ["/venv/bin/python", "/venv/bin/gunicorn", "shop.wsgi"])
    assert f"kernel.yama.ptrace_scope is {scope}" in error.message
    assert says in error.message
    assert error.hint.endswith("start it under perfkit:  perfkit run -- gunicorn shop.wsgi")


@pytest.mark.real
def test_gunicorn_is_found_by_every_word_for_it(start: Start, tmp_path: Path, eventually: Eventually) -> None:
    gunicorn = Path(sys.executable).with_name("gunicorn")
    if not gunicorn.exists():
        pytest.skip("gunicorn is not installed")
    package = f"shop{os.getpid()}"
    (tmp_path / f"{package}.py").write_text(
        textwrap.dedent("""
        def application(environ, start_response):
            start_response("200 OK", [])
            return [b"ok"]
        """)
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(gunicorn), f"{package}:application", "-w", "2", "-b", f"127.0.0.1:{port}"]
    master = start("sh", "-c", 'echo up; exec "$@"', "sh", *command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert eventually(lambda: len(listeners(port)) == 3)
    for text in (str(master.pid), f":{port}", package, f"{package}:application"):
        found = resolve_running(text)
        assert (found.pid, found.cwd) == (master.pid, str(tmp_path))
    master.send_signal(signal.SIGTERM)
    assert master.wait() == 0
