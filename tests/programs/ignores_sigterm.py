"""Computes for ever, and tells of each SIGTERM instead of ending."""
import os
import signal

signal.signal(signal.SIGTERM, lambda number, frame: os.write(2, b"SIGTERM ignored\n"))
print(os.getpid(), flush=True)
while True:
    sum(range(2000))
