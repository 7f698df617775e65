"""Leaves a child behind in a session of its own; its pid goes to the file named as argument."""
import os
import sys
import time

pid = os.fork()
if pid == 0:
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    time.sleep(60)
    os._exit(0)
with open(sys.argv[1], "w") as file:
    file.write(str(pid))
while time.process_time() < 0.5:
    sum(range(2000))
