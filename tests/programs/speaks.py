"""Says known bytes on both streams, computes, and ends with the code given as argument."""
import sys
import time

sys.stdout.buffer.write(b"one\r\ntwo\x00\xff\x1b[1mthree\n")
sys.stdout.flush()
sys.stderr.write("a word on stderr\n")
while time.process_time() < 0.5:
    sum(range(2000))
print(sys.argv[1:], sys.stdin.read())
sys.exit(int(sys.argv[1]))
