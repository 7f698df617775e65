"""Runs a last step when the process ends in a way that Python notices: normally, by an exception, or by SIGTERM."""

import atexit
import json
import os
import signal


def at_end(step):
    """Call `step()` once, in this process only, before it ends. SIGTERM keeps its meaning where nobody has given it another."""
    owner = os.getpid()
    done = []

    def once():
        if os.getpid() == owner and not done:
            done.append(True)
            try:
                step()
            except BaseException:  # the target's own ending must not change
                pass

    def terminate(number, frame):
        once()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    atexit.register(once)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)


def write(spool, engine, content):
    """Leave `content` as JSON in the spool, whole or not at all."""
    path = os.path.join(spool, "%s-%d.json" % (engine, os.getpid()))
    with open(path + ".part", "w", encoding="utf-8", errors="replace") as file:
        json.dump(content, file)
    os.replace(path + ".part", path)
