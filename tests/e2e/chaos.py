"""What the cases of kills, faults and limits share: a producer that goes on while things break, a broker behind the
fault proxy, a disk that can be filled.

Events come live, so the comparison with `score --changes` is exact only as long as none is late: the daemons wait long
before the wall clock fires timers (`time.idle`), and `finish` fires the rest when no more events come."""

import contextlib
import os
import subprocess
import threading
import time

import compare
import proxy
import topics
import traffic
from daemon import free_port
from play import Skip

# Time-outs so short that passing them does not take the test's whole time. The broker looks for transactions that are
# too old each 500 ms (10 s by default).
SHORT = {"session.timeout.ms": 4000, "transaction.timeout.ms": 4000, "socket.timeout.ms": 4000}
BROKER = "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"
# Small batches: many commits for a fault to strike.
BUSY = {"max_events": 40, "max_time": "20ms"}
LIVE = {"idle": "120s"}
LEADS = 600


class Stream:
    """A producer of live events through kcat, until `end`. When half of them are sent it becomes the slower the fewer are
    left, so that a slow machine does not come to their end."""

    def __init__(self, play, rate=500, leads=LEADS, seconds=90):
        count = int(rate * seconds)
        self.play, self.rate, self.leads, self.half = play, rate, leads, seconds / 2
        self.events = play.traffic(count, leads)
        self.at = 0
        self.ending = threading.Event()
        self.turn = threading.Lock()    # who has it, the producer or the test, may use the broker
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.ending.is_set() and self.at < len(self.events):
                began = time.monotonic()
                a_second = min(self.rate, (len(self.events) - self.at) / self.half)
                chunk = self.events[self.at:self.at + max(1, int(a_second * 0.4))]
                with self.turn:
                    self.play.send(chunk)
                self.at += len(chunk)
                self.ending.wait(max(0.0, 0.4 - (time.monotonic() - began)))
        except Exception as failure:
            self.failure = failure

    def pause(self):
        """Between two of its writes: kcat gives up where there is no broker, and nobody knows then what it wrote."""
        self.turn.acquire()

    def go_on(self):
        self.turn.release()

    def end(self):
        """Stops producing; what failed in between fails here."""
        self.ending.set()
        self.thread.join(240)
        if self.failure:
            raise self.failure
        if self.at >= len(self.events):
            raise AssertionError("the stream ran dry before the test was done with it")
        print(f"{self.at} events were produced meanwhile")


@contextlib.contextmanager
def broker_behind_proxy(play, more="", killed=False):
    """A broker of the test's own (to be killed or not), which the daemons reach through a fault proxy and the test
    directly."""
    broker_port = free_port()
    with proxy.Proxy(broker_port, play.seed) as between:
        extra = "\n".join((proxy.listener_properties(broker_port, between.port), BROKER, more))
        os.environ["KAFKA_EXTRA_PROPERTIES"] = extra
        with play.own_broker(play.file("broker"), killed):
            play.config["kafka"] = {"bootstrap.servers": between.address} | SHORT
            yield between
        del os.environ["KAFKA_EXTRA_PROPERTIES"]


def progress(play, daemons, events=200, limit=150):
    """Waits until the daemons have taken some more events: they are at work, again. Says how long that took."""
    began = time.monotonic()
    base = sum(d.sum("leadstream_events_total") for d in daemons)
    while sum(d.sum("leadstream_events_total") for d in daemons) < base + events:
        for daemon in daemons:
            daemon.must_live()
        if time.monotonic() - began > limit:
            raise AssertionError(f"no progress within {limit} s:\n" + "\n".join(d.words()[-2500:] for d in daemons))
        time.sleep(0.05)
    return time.monotonic() - began


def caught_up(play, stream, daemons, limit=150):
    """Waits until the daemons keep up with the stream again: what they had fetched before does not do. Says how long."""
    began = time.monotonic()
    while play.lag() > stream.rate * 2:
        for daemon in daemons:
            daemon.must_live()
        if time.monotonic() - began > limit:
            raise AssertionError(f"still {play.lag()} records behind after {limit} s:\n"
                                 + "\n".join(d.words()[-2500:] for d in daemons))
        time.sleep(0.1)
    return time.monotonic() - began


def finish(play, leads=LEADS, stream=None, **changes):
    """No more events and no more faults: a last start works off the rest and fires all timers, then a second wave shows
    that what is remembered is right too. Two independent clients read the same."""
    if stream:
        stream.end()
    for daemon in play.daemons:
        if daemon.alive():
            daemon.end()
    daemon = play.start("a", **changes)
    play.wait_live(daemon)
    play.check(play.wait_quiet())
    play.send(play.second_wave(leads, leads))
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)
    same_by_java(play)


def same_by_java(play):
    """Kafka's own console consumer reads the committed records that kcat reads."""
    names = [play.topic(name) for name in ("scores", "sales-ready")]
    by_kcat = [record for name in names for record in topics.read(play.bootstrap, name)]
    by_java = topics.read_with_java(play.bootstrap, "|".join(names), len(by_kcat))
    if sorted(by_java) != sorted((r.key.decode(), r.value.decode()) for r in by_kcat):
        raise compare.Difference(f"Kafka's console consumer reads {len(by_java)} records, kcat {len(by_kcat)}; both "
                                 f"have {len(set(by_java) & {(r.key.decode(), r.value.decode()) for r in by_kcat})}")


def lost(daemon):
    return daemon.sum("leadstream_batches_lost_total")


class SmallDisk:
    """A file system in memory, seen only by who enters its namespace; for a plain user too, where the kernel lets him."""

    def __init__(self, folder, size):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        make = f"mount -t tmpfs -o size={size},mode=0700 tmpfs '{folder}' && echo ready && exec sleep 3600"
        plain = os.geteuid() != 0
        self.holder = subprocess.Popen(["unshare", *(["-r"] if plain else []), "-m", "--propagation", "private", "sh",
                                        "-c", make], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "ready":
            self.holder.kill()
            raise Skip(f"THIS MACHINE LETS NOBODY MOUNT A SMALL DISK: {self.holder.communicate()[1].strip()}")
        self.enter = ["nsenter", "-t", str(self.holder.pid), *(["-U", "--preserve-credentials"] if plain else []), "-m"]

    def run(self, *command):
        return subprocess.run([*self.enter, *command], check=False, capture_output=True, timeout=60)

    def fill(self):
        """A file takes all that is left."""
        self.run("dd", "if=/dev/zero", f"of={self.folder}/ballast", "bs=4k", "oflag=append", "conv=notrunc")

    def clear(self):
        self.run("rm", f"{self.folder}/ballast")

    def close(self):
        self.holder.kill()
        self.holder.wait()
