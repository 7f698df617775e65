"""Into processes of other users and of other namespaces, and by an ordinary user into his own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from injected import KINDS, Run, found, until_it_says

import perfkit
from perfkit.collectors.injection import inject

pytestmark = pytest.mark.real
SYSTEM = "/usr/bin/python3"
NOBODY = ("--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all")
BRINGS = """
import sys
from perfkit.collectors.injection import Refused, inject
for _ in range(3):
    try:
        print(inject(int(sys.argv[1]), sys.argv[2], spool=sys.argv[3], timeout=30))
    except Refused as error:
        print(error.gap.why, "|", error.gap.remedy)
"""


@pytest.fixture
def everyones() -> Iterator[Path]:
    """A folder that every user may reach, with perfkit in it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not Path(SYSTEM).exists():
        pytest.skip(f"{SYSTEM} is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(Path(perfkit.__file__).parent, folder / "perfkit", ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        (folder / "his").mkdir()
        shutil.chown(folder / "his", "nobody", "nogroup")
        yield folder


@pytest.fixture
def nobody(requires: Callable[..., str]) -> list[str]:
    return [requires("setpriv"), *NOBODY]


def as_nobody(nobody: list[str], folder: Path, pid: int, source: str) -> list[str]:
    spool = folder / "his" / "spool"
    spool.mkdir(mode=0o700)
    shutil.chown(spool, "nobody", "nogroup")
    words = [*nobody, SYSTEM, "-B", "-c", BRINGS, str(pid), source, str(spool)]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", env={"PYTHONPATH": str(folder)}, timeout=120)
    assert done.stderr == ""
    return done.stdout.splitlines()


def payload(folder: Path) -> str:
    return f"with open({str(folder / 'his' / 'ran')!r}, 'a') as file: file.write('x')"


@pytest.mark.parametrize("kind", KINDS)
def test_an_ordinary_user_into_his_own(run: Run, everyones: Path, nobody: list[str], kind: str) -> None:
    over = everyones / "his" / "over"
    program = run(SYSTEM, KINDS[kind].replace("over()", f"os.path.exists({str(over)!r})"), before=nobody)
    assert as_nobody(nobody, everyones, program.pid, payload(everyones)) == ["ptrace"] * 3
    over.touch()
    program.finish()
    assert (everyones / "his" / "ran").read_text() == "xxx"


def test_an_ordinary_user_into_another_ones(run: Run, everyones: Path, nobody: list[str]) -> None:
    program = run(SYSTEM, KINDS["sleeps"])
    (said, *_) = as_nobody(nobody, everyones, program.pid, payload(everyones))
    why, _, remedy = said.partition(" | ")
    assert why == "it belongs to root, and tracing it needs the capability CAP_SYS_PTRACE"
    assert f"sudo perfkit attach {program.pid}" in remedy
    program.finish()


@pytest.mark.parametrize("mode", [0o700, 0o1733])
def test_root_into_an_ordinary_ones(run: Run, everyones: Path, nobody: list[str], mode: int) -> None:
    """Who cannot write to a folder of root's, unless it is open for that."""
    over = everyones / "his" / "over"
    program = run(SYSTEM, KINDS["sleeps"].replace("over()", f"os.path.exists({str(over)!r})"), before=nobody)
    everyones.chmod(0o755)
    spool = everyones / "spool"
    spool.mkdir()
    spool.chmod(mode)
    for _ in range(3):
        assert inject(program.pid, payload(everyones), spool=str(spool), timeout=30) == "ptrace"
    assert len(list(spool.iterdir())) == (3 if mode == 0o1733 else 0)
    over.touch()
    program.finish()
    assert (everyones / "his" / "ran").read_text() == "xxx"


@pytest.mark.parametrize("version", ["3.14", "3.15"])
def test_root_does_not_run_an_ordinary_ones_interpreter(
    run: Run, everyones: Path, nobody: list[str], version: str
) -> None:
    """It is run as that user: whose program it is, root does not know."""
    over = everyones / "his" / "over"
    body = f"import time\nprint('imported', flush=True)\nwhile not os.path.exists({str(over)!r}): time.sleep(0.01)"
    program = run(found(version), body, before=nobody)
    until_it_says(program, "imported")
    everyones.chmod(0o755)
    spool = everyones / "spool"
    spool.mkdir()
    spool.chmod(0o1733)
    assert inject(program.pid, payload(everyones), spool=str(spool), timeout=30) == "remote_exec"
    left = [path.name for path in Path("/tmp").glob("perfkit-*") if path.owner() == "nobody"]
    assert not [name for name in left if re.fullmatch(r"perfkit-[0-9a-f]{16}", name)]
    over.touch()
    program.finish()
    assert (everyones / "his" / "ran").read_text() == "x"


@pytest.mark.parametrize(
    "words", [["-m"], ["-m", "-p", "-f", "--kill-child", "--mount-proc"]], ids=["files of its own", "a container"]
)
def test_other_namespaces(run: Run, spool: Path, python: str, requires: Callable[..., str], words: list[str]) -> None:
    """With a temporary folder of its own, in which our spool is not."""
    if os.geteuid() != 0:
        pytest.skip("only root can make namespaces")
    mount = 'mount -t tmpfs none /tmp && exec "$@"'
    body = "import time\nwhile not os.path.exists('/tmp/over'): time.sleep(0.01)"
    program = run(python, body, before=[requires("unshare"), *words, "sh", "-c", mount, "sh"])
    pid = program.pid
    if "-p" in words:
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    inside = Path(f"/proc/{pid}/root/tmp")
    for number in range(1, 4):
        source = "with open('/tmp/ran', 'a') as file: file.write('x')"
        assert inject(pid, source, spool=str(spool), timeout=30) == "ptrace"
        assert (inside / "ran").read_text() == "x" * number
    assert sorted(os.listdir(inside)) == ["ran"]
    (inside / "over").touch()
    program.finish()


def test_a_link_in_the_place_of_its_temporary_folder(run: Run, spool: Path, requires: Callable[..., str]) -> None:
    """It would lead out of the container, to a folder of ours."""
    if os.geteuid() != 0:
        pytest.skip("only root can make namespaces")
    ours = spool / "ours"
    ours.mkdir()
    mount = f'mount -t tmpfs none /mnt && cd /mnt && mkdir -p usr lib lib64 root proc opt dev/shm && for one in usr lib lib64 root proc opt; do mount --rbind /$one $one; done && ln -s {ours} tmp && exec chroot /mnt "$@"'
    program = run(
        SYSTEM,
        "import time\nwhile not os.path.exists('/over'): time.sleep(0.01)",
        before=[requires("unshare"), "-m", "sh", "-c", mount, "sh"],
    )
    assert inject(program.pid, "open('/ran', 'w').close()", spool=str(spool), timeout=30) == "ptrace"
    inside = Path(f"/proc/{program.pid}/root")
    assert (inside / "ran").exists()
    assert list(ours.iterdir()) == list((inside / "dev/shm").iterdir()) == []
    (inside / "over").touch()
    program.finish()
