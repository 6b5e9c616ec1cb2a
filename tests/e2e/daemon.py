"""One `leadstream run` process, as an operator has it: started, watched through its log and /metrics, ended."""

import http.client
import os
import re
import signal
import subprocess
import time
import urllib.request


class DaemonError(AssertionError):
    pass


def free_port():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return int(subprocess.check_output([f"{root}/ops/kafka/free_ports.py"]))


class Daemon:
    def __init__(self, binary, config_file, log_file, http=None, environment=None, before=()):
        """before: words of the command line before the daemon's own, such as prlimit(1)."""
        self.log_file = log_file
        self.http = http
        self.follows = True     # the wall clock, soon after its input is read (`time.idle`)
        # Each start appends; `begin` is where this one's words start.
        self.begin = os.path.getsize(log_file) if os.path.exists(log_file) else 0
        with open(log_file, "ab") as log:
            self.process = subprocess.Popen([*before, binary, "run", "-c", config_file], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, **(environment or {})})

    def words(self):
        with open(self.log_file, "rb") as log:
            log.seek(self.begin)
            return log.read().decode(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def must_live(self):
        if not self.alive():
            raise DaemonError(f"the daemon ended with {self.process.returncode}:\n{self.words()[-3000:]}")

    def kill(self):
        """As a power cut would, but for the page cache."""
        self.process.kill()
        self.process.wait()

    def end(self, limit=30):
        """SIGTERM; it must end with 0 within the limit (it gives itself ten seconds). Returns the seconds it took."""
        self.must_live()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DaemonError(f"still there {limit} s after SIGTERM:\n{self.words()[-3000:]}") from None
        if code != 0:
            raise DaemonError(f"SIGTERM ended it with {code}:\n{self.words()[-3000:]}")
        return time.monotonic() - began

    def refuses(self, pattern, limit=150, codes=(1, 3)):
        """It must end by itself, with one of the codes and words that match the pattern (several lines are one)."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DaemonError(f"it did not refuse in {limit} s:\n{self.words()[-3000:]}") from None
        if code not in codes or not re.search(pattern, self.words(), re.S | re.I):
            raise DaemonError(f"ended with {code}, wanted one of {codes} and /{pattern}/:\n{self.words()[-3000:]}")
        return self.words()

    def wait_words(self, pattern, limit=120):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            found = re.search(pattern, self.words())
            if found:
                return found
            self.must_live()
            time.sleep(0.1)
        raise DaemonError(f"no /{pattern}/ in its log within {limit} s:\n{self.words()[-3000:]}")

    def metrics(self):
        """{name with labels: value} of /metrics; empty while it is not served yet. One that stands still is waited for."""
        try:
            with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return {}
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def cpu_seconds(self):
        """User and system time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sum(self, name):
        """A metric over all workers."""
        return sum(value for key, value in self.metrics().items() if key.split("{")[0] == name)

    def errors(self, code):
        """leadstream_errors_total of a code, over all workers."""
        return sum(value for key, value in self.metrics().items()
                   if key.startswith("leadstream_errors_total") and f'code="{code}"' in key)
