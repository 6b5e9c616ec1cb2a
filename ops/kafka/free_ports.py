#!/usr/bin/python3
"""free_ports.py [N]: N ports of 127.0.0.1 that nobody listens on, for servers that tests start, stop and start again.

They lie below the ports that the kernel gives to outgoing connections: one of those could take a server's port while
it is down, or a client that tries such a port be connected to itself.
"""

import random
import socket
import sys


def lowest_outgoing():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError):
        return 32768


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    below = lowest_outgoing()
    if below < 16384:
        below = 65536
    held = []
    for port in random.SystemRandom().sample(range(below - 8192, below), 8192):
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
        held.append(s)
        if len(held) == wanted:
            print(*(s.getsockname()[1] for s in held))
            return 0
    print("free_ports.py: no port is free", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
