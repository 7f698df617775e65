"""A pool of two fresh interpreters computes."""
import multiprocessing
import time


def compute_in_worker(number):
    end = time.process_time() + 0.5
    while time.process_time() < end:
        sum(range(2000))
    return number


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(compute_in_worker, [1, 2], chunksize=1), flush=True)
