"""Three named threads compute while the main thread waits for them."""
import threading
import time


def compute():
    while time.thread_time() < 0.2:
        sum(range(2000))


workers = [threading.Thread(target=compute, name=f"worker-{n}") for n in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print("joined", flush=True)
