# Runs a program in a terminal of its own. Standard input: lines of JSON, {"size": [columns, rows]}, {"keys": "q"} or
# {"signal": 15}. Standard output: what the program writes to its terminal. At its end, on standard error: its exit code and
# the flags that its terminal was left with.
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    columns, rows, *command = sys.argv[1:]
    # Kept open, so that the flags can be read when the program has ended.
    master, slave = pty.openpty()
    resize(slave, int(columns), int(rows))
    pid = os.fork()
    if pid == 0:
        os.close(master)
        os.login_tty(slave) if hasattr(os, "login_tty") else login(slave)
        os.execvp(command[0], command)
    orders = b""
    ended = None
    reading = [master, 0]
    while ended is None:
        ready, _, _ = select.select(reading, [], [], 0.05)
        if master in ready:
            sys.stdout.buffer.write(os.read(master, 65536))
            sys.stdout.buffer.flush()
        if 0 in ready:
            piece = os.read(0, 65536)
            if not piece:
                reading.remove(0)
            orders += piece
            while b"\n" in orders:
                line, orders = orders.split(b"\n", 1)
                order = json.loads(line)
                if "size" in order:
                    resize(master, *order["size"])
                if "keys" in order:
                    os.write(master, order["keys"].encode())
                if "signal" in order:
                    os.kill(pid, order["signal"])
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            ended = os.waitstatus_to_exitcode(status)
    while select.select([master], [], [], 0.05)[0]:
        sys.stdout.buffer.write(os.read(master, 65536))
    sys.stdout.buffer.flush()
    flags = termios.tcgetattr(slave)[3]
    sys.stderr.write(json.dumps({"code": ended, "canonical": bool(flags & termios.ICANON), "echo": bool(flags & termios.ECHO)}))


def login(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)


main()
