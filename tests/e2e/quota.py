"""A share of a core for a process, as containers are given one: the cpu controller of Linux' control groups (needs root).

With it one machine can hold a producer and a broker that are ten times as fast as the daemon between them. Version 1 of
the groups has a tree for each controller, version 2 one for all, in which the controller is passed on by the root."""

import os
import time

PERIOD_US = 100_000 # what container runtimes use


class NoQuota(Exception):
    """This machine does not let us; the words say why."""


class Quota:
    def __init__(self, share, root="/sys/fs/cgroup"):
        """share: of one core, such as 0.1. Whatever was made is gone after `close`."""
        self.old = os.path.isdir(os.path.join(root, "cpu"))
        self.folder = os.path.join(root, "cpu" if self.old else "", f"leadstream-load-{os.getpid()}")
        quota = int(share * PERIOD_US)
        try:
            if not self.old:
                self._write(os.path.join(root, "cgroup.subtree_control"), "+cpu")
            os.mkdir(self.folder)
            if self.old:
                self._write(self._file("cpu.cfs_period_us"), PERIOD_US)
                self._write(self._file("cpu.cfs_quota_us"), quota)
            else:
                self._write(self._file("cpu.max"), f"{quota} {PERIOD_US}")
        except OSError as e:
            self.close()
            raise NoQuota(f"no quota of CPU can be set here ({e})") from e

    def _file(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _write(path, value):
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))

    def before(self):
        """Words before a command line that start it under the quota."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', self._file("cgroup.procs")]

    def held_back(self):
        """In how many periods of how many it had to wait for the next."""
        with open(self._file("cpu.stat"), encoding="ascii") as file:
            stat = dict(line.split() for line in file)
        return int(stat["nr_throttled"]), int(stat["nr_periods"])

    def close(self):
        """After its processes have ended; the kernel may need a moment to see that."""
        for _ in range(50):
            try:
                os.rmdir(self.folder)
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)
