#!/usr/bin/python3
"""free_ports.py [N]: N ports of 127.0.0.1 that nobody listens on, for servers that tests start, stop and start again.

They lie below the ports that the kernel gives to outgoing connections: one of those could take a server's port while
it is down, or a client that tries such a port be connected to itself. A port that was given is given to nobody else for a
while, for it may be seconds until somebody listens on it, and minutes that he is down.
"""

import fcntl
import os
import random
import re
import socket
import sys
import tempfile
import time

KEPT = 20 * 60  # seconds


def lowest_outgoing():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError):
        return 32768


def free(wanted, given):
    """So many ports that are free and not given, None: there are not so many."""
    below = lowest_outgoing()
    if below < 16384:
        below = 65536
    held = []
    for port in random.SystemRandom().sample(range(below - 8192, below), 8192):
        s = socket.socket()
        try:
            if port not in given:
                s.bind(("127.0.0.1", port))
                held.append(s)
        except OSError:
            continue
        if len(held) == wanted:
            return [s.getsockname()[1] for s in held]
    return None


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    # Lines "port seconds", by whoever of this user asks: one at a time.
    with open(os.path.join(tempfile.gettempdir(), f"leadstream-ports-{os.getuid()}"), "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        now = int(time.time())
        lines = (line.split() for line in file if re.fullmatch(r"\d+ \d+\n", line))
        given = {int(port): int(at) for port, at in lines if 0 <= now - int(at) < KEPT}
        ports = free(wanted, given)
        if not ports:
            print("free_ports.py: no port is free", file=sys.stderr)
            return 1
        file.truncate(0)
        file.writelines(f"{port} {at}\n" for port, at in (given | dict.fromkeys(ports, now)).items())
    print(*ports)
    return 0


if __name__ == "__main__":
    sys.exit(main())
