"""What is run in the target: a source comes in; text for its interpreter goes out.

It claims the run first, by creating a file that nobody else may have created. So it runs once, however often it was
handed over, never after perfkit has given up (which claims the run too), and never in a child that was forked with it. A careful one
does not run inside an import, where modules are only half there: it is to be brought again.
It neither raises nor prints, and leaves no name in __main__.
"""

from __future__ import annotations

from perfkit.collectors.injection.interface import Path

# {…} are filled with Python literals. A Ctrl-C of the target's user may come while this runs: it is handed on.
_RUN = """
def run():
    import os, sys
    if os.getpid() != {pid}:
        return
    frame = sys._getframe() if {careful} else None
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    try:
        said = os.open({claim}, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError:
        return
    words = {path}
    try:
        exec(compile({source}, "<perfkit>", "exec"), {{"__name__": "__perfkit__"}})
    except KeyboardInterrupt:
        import _thread
        _thread.start_new_thread(_thread.interrupt_main, ())
    except BaseException as error:
        words += "\\n" + type(error).__name__ + ": " + str(error)[:200]
    try:
        os.write(said, words.encode("utf-8", "replace"))
    finally:
        os.close(said)
run()
"""
_CALL = """
try:
    __import__("builtins").exec({code}, {{"__name__": "__perfkit__"}})
except:
    pass
"""
# Removed by whoever reads it: a target that comes to it late would print that it is gone.
_REMOVE = """
try:
    __import__("os").unlink({file})
    __import__("os").rmdir({folder})
except:
    pass
"""


def called(source: str, pid: int, claim: str, path: Path, *, careful: bool = True) -> str:
    """For PyRun_SimpleString. `pid` is the target's by its own counting, `claim` a path as it sees it."""
    run = _RUN.format(pid=pid, careful=careful, claim=ascii(claim), path=ascii(path), source=ascii(source))
    return _CALL.format(code=ascii(run)).lstrip()


def script(source: str, pid: int, claim: str, folder: str, file: str) -> str:
    """For sys.remote_exec: the same, and it removes its own file and folder."""
    return _REMOVE.format(file=ascii(f"{folder}/{file}"), folder=ascii(folder)) + called(
        source, pid, claim, "remote_exec"
    )
