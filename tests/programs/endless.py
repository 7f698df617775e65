"""Computes until it is told to end; counts the SIGINTs that reached it, and ends with 130 at the first quiet moment."""
import os
import signal
import sys
import time

received = []
signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
print(os.getpid(), flush=True)
while not received:
    sum(range(2000))
end = time.process_time() + 0.3
while time.process_time() < end:
    sum(range(2000))
print(f"{len(received)} SIGINT", flush=True)
sys.exit(130)
