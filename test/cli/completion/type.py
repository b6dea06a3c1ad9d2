"""Types lines into an interactive shell on a terminal, as a person does, and prints the shell's output.

Usage: type.py LOG LINE... -- SHELL [ARGUMENTS]   A line goes on when the file LOG has got an "END" for the one before.
The shell's prompt holds the word READY.
"""

import os
import pty
import select
import signal
import sys
import time

TIMEOUT = 50


def count(log):
    try:
        with open(log, "rb") as file:
            return file.read().count(b"END\n")
    except FileNotFoundError:
        return 0


def main(log, lines, command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    output = b""

    def wait(is_done):
        nonlocal output
        end = time.monotonic() + TIMEOUT
        while not is_done():
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                sys.exit(f"no answer; the terminal shows {output.decode(errors='replace')!r}")
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    output += os.read(terminal, 65536)
                except OSError:  # EIO: the shell has ended
                    return

    wait(lambda: b"READY" in output)
    for number, line in enumerate(lines, 1):
        os.write(terminal, line.encode() + b"\r")
        wait(lambda: count(log) >= number)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sys.stdout.buffer.write(output)


separator = sys.argv.index("--")
main(sys.argv[1], sys.argv[2:separator], sys.argv[separator + 1 :])
