"""Two forks compute; the parent waits and tells how they ended."""
import os
import time


def compute_in_child():
    while time.process_time() < 0.5:
        sum(range(2000))


children = []
for code in (0, 7):
    pid = os.fork()
    if pid == 0:
        compute_in_child()
        os._exit(code)
    children.append(pid)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children), flush=True)
