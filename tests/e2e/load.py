"""More than it can take, and for long: what the process does to memory, files and its seat in the group. On demand:

    load.py overload LEADSTREAM BROKER_FOLDER WORK_FOLDER [--cpu 0.05] [--seconds 60] [--times 10]
    load.py soak     LEADSTREAM BROKER_FOLDER WORK_FOLDER [--cpu 0.05] [--minutes 30] [--rate N]

overload: measures the rate R that the daemon can take, offers 10 R for 60 s, then a tenth of R until the lag is gone.
soak: half of R (or --rate) for 30 minutes. Both end by comparing every record with `score --changes`, and print their
figures as JSON. So that one machine can hold producer, broker and daemon, the daemon gets a share of one core (--cpu), as a
container would give it. Where that cannot be set (no root), `--batch 20` holds it back instead: few events in each batch,
and a commit for each. A short overload of that kind is among the tests (cases_load.py).
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time

import digests
import topics
import traffic
from feeder import Feeder
from quota import NoQuota, Quota

MIB = 1 << 20
TICK_HZ = os.sysconf("SC_CLK_TCK")
LONG = 30 # seconds of overload; what is shorter does not show what memory does in the end
# Besides store.memory: code, threads, librdkafka's buffers, RocksDB's files (ops/README.md says some 100 MiB).
BESIDES = 160 * MIB


class Watch(threading.Thread):
    """What the process holds, every so often."""

    def __init__(self, daemon, store, every, file):
        super().__init__(daemon=True)
        self.file = file
        self.process, self.store, self.every = daemon, store, every
        self.rows, self.stopped, self.began = [], False, time.monotonic()

    def _disk(self):
        sizes = 0
        for folder, _, names in os.walk(self.store):
            for name in names:
                try:
                    sizes += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass
        return sizes

    def look(self):
        proc = f"/proc/{self.process.process.pid}"
        with open(f"{proc}/status", encoding="utf-8") as file:
            status = dict(line.split(":", 1) for line in file)
        with open(f"{proc}/stat", encoding="utf-8") as file:
            ticks = file.read().rsplit(") ", 1)[1].split()[11:13]
        metrics = self.process.metrics()

        def total(name):
            return sum(v for k, v in metrics.items() if k.split("{")[0] == name)

        return {"t": round(time.monotonic() - self.began, 1), "rss": int(status["VmRSS"].split()[0]) * 1024,
                "threads": int(status["Threads"]), "files": len(os.listdir(f"{proc}/fd")), "disk": self._disk(),
                "log": os.path.getsize(self.process.log_file), "cpu": sum(map(int, ticks)) / TICK_HZ,
                "events": total("leadstream_events_total"), "lag": total("leadstream_lag_records"),
                "cache": total("leadstream_cache_bytes"), "rocksdb": total("leadstream_store_memory_bytes"),
                "unwritten": total("leadstream_unwritten_leads"), "served": bool(metrics)}

    def run(self):
        while not self.stopped:
            try:
                self.rows.append(self.look())
                with open(self.file, "a", encoding="utf-8") as file:
                    file.write(json.dumps(self.rows[-1]) + "\n")
            except (OSError, KeyError):
                pass # it is starting, or has gone: whoever waits for it will say so
            time.sleep(self.every)

    def close(self):
        self.stopped = True
        self.join()

    def since(self, t):
        return [row for row in self.rows if row["t"] >= t and row["served"]]

    def now(self):
        return time.monotonic() - self.began


def slope(rows, name):
    """Least squares: units an hour."""
    n = len(rows)
    mean_t, mean_y = sum(r["t"] for r in rows) / n, sum(r[name] for r in rows) / n
    above = sum((r["t"] - mean_t) * (r[name] - mean_y) for r in rows)
    below = sum((r["t"] - mean_t) ** 2 for r in rows)
    return above / below * 3600 if below else 0.0


def _stream(command):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        yield from process.stdout
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")


def compare(play, paths, sure):
    """The committed records are those of `score --changes`, byte for byte and in order, up to `sure` (ms)."""
    got = {}
    for topic in (play.topic("scores"), play.topic("sales-ready")):
        got.update(digests.of(_stream(["kcat", "-C", "-b", play.bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
                                       "-X", "isolation.level=read_committed", "-f", "%s\\n"])))
    until = traffic.stamp(int(time.time() * 1000) + 60_000)
    return digests.same(_stream([play.binary, "score", "-m", play.model, "--changes", "--output", "jsonl", "--at", until,
                                 *paths]), got, traffic.stamp(sure))


# ---------------------------------------------------------------- the runs

def _must(good, words, watch):
    if not good:
        raise AssertionError(f"{words}\n" + "\n".join(json.dumps(row) for row in watch.rows[-20:]))


def check_bounds(play, watch, since, plateau=True):
    """Memory in its bounds and (of long runs) no growth past the plateau; files and threads stay as many."""
    rows = watch.since(since)
    third = len(rows) // 3
    memory = int(play.config["store"]["memory"].removesuffix("MiB")) * MIB
    peak, early = max(r["rss"] for r in rows), max(r["rss"] for r in rows[:third + 1])
    _must(peak <= memory + BESIDES, f"the process took {peak // MIB} MiB with store.memory {memory // MIB} MiB", watch)
    _must(not plateau or peak <= early * 1.15 + 16 * MIB, f"memory went on growing: {early // MIB}, then {peak // MIB} MiB", watch)
    _must(max(r["files"] for r in rows) <= rows[0]["files"] + 64, "more and more files are open", watch)
    _must(max(r["threads"] for r in rows) <= rows[0]["threads"] + 16, "more and more threads", watch)
    return {"rss_peak_mib": round(peak / MIB, 1), "rss_early_mib": round(early / MIB, 1),
            "files": max(r["files"] for r in rows), "threads": max(r["threads"] for r in rows),
            "log_bytes": rows[-1]["log"], "disk_mib": round(max(r["disk"] for r in rows) / MIB, 1)}


def mean_rss(rows):
    return sum(row["rss"] for row in rows) / len(rows) / MIB


def mean_besides(rows):
    """Memory that is neither leads nor the store's: those grow into the room that they were given for a quarter of an hour."""
    return sum(row["rss"] - row["cache"] - row["rocksdb"] for row in rows) / len(rows) / MIB


class Seat:
    """Its seat in the group, from here on: whatever it says itself, the broker writes each rebalance down."""

    def __init__(self, play, daemon):
        self.play, self.daemon = play, daemon
        self.words, self.generation = len(daemon.words()), self._generation()

    def _generation(self):
        return topics.generation(self.play.bootstrap, self.play.group())

    def must_be_kept(self, watch):
        said = self.daemon.words()[self.words:].splitlines()
        lost = [line for line in said if "event=revoked" in line or "batch_lost" in line]
        _must(not lost, f"shards or batches were lost: {lost[:5]}", watch)
        lost = sum(self.daemon.sum(name) for name in ("leadstream_batches_lost_total", "leadstream_producers_renewed_total"))
        now = self._generation()
        _must(now == self.generation, f"the group was rebalanced: generation {self.generation}, then {now}", watch)
        return {"generation": [self.generation, now], "batches_lost_or_producers_renewed": lost}


class Started:
    """A feeder, a daemon (under its quota, if there is one) and the watch over it."""

    def __init__(self, play, leads, every, quota):
        self.play, self.quota = play, quota
        play.make_topics()
        self.feeder = Feeder(play, leads)
        self.daemon = play.start(before=quota.before() if quota else ())
        play.wait_live(self.daemon)
        self.watch = Watch(self.daemon, play.store(), every, play.file("watch.jsonl"))
        self.watch.start()

    def takes(self, ahead, seconds):
        """Events a second that it takes while there is more to take, over so many seconds. `ahead` is given at once, and
        again when half of it is taken."""
        begin, taken, warm = self.watch.now(), 0, seconds / 4
        first = last = None
        # Long enough, between two looks of which the second sees more (all may have stood still for a while).
        while not last or last["t"] - first["t"] < seconds or last["events"] <= first["events"]:
            _must(self.watch.now() - begin < seconds * 3 + 120, "it took too little to be measured", self.watch)
            if self.feeder.sent - taken <= ahead / 2:
                self.feeder.give(ahead)
            time.sleep(0.2)
            self.daemon.must_live()
            busy = [row for row in self.watch.since(begin) if row["events"]]
            first = next((row for row in busy if row["t"] >= busy[0]["t"] + warm), None)
            last = busy[-1] if first else None
            taken = busy[-1]["events"] if busy else 0
        span = last["t"] - first["t"]
        return (last["events"] - first["events"]) / span, (last["cpu"] - first["cpu"]) / span

    def offered(self, seconds):
        """What the broker has, for kcat and the pipe to it hold some back; of some seconds only, what was sent, for what is
        held back would be much of it."""
        if seconds < LONG:
            return self.feeder.sent
        return sum(self.play.wire.ends(self.play.topic("events"), self.play.partitions))

    def normal(self, takes, rest, limit):
        """A tenth of what it takes, until it has caught up and for some seconds more. Returns when it had caught up, and what
        the watch saw in the second half of those seconds: memory given back takes some."""
        self.feeder.rate, begin = takes / 10, self.watch.now()
        while self.watch.rows[-1]["lag"] > takes and self.watch.now() - begin < limit:
            self.daemon.must_live()
            time.sleep(0.5)
        caught_up = self.watch.now()
        time.sleep(rest)
        return caught_up, self.watch.since(caught_up + rest / 2) or self.watch.rows[-1:]

    def settled(self):
        """No more is sent, all is taken, nothing more comes. Until when all timers have fired."""
        self.feeder.close()
        self.play.reconnect() # a broker ends connections that were idle for long
        sure = self.play.wait_quiet(limit=300)
        self.watch.close()
        self.watch.rows.append(self.watch.look())
        self.play.wait_gauges([self.daemon], leadstream_lag_records=0)
        # A lead at its limits publishes nothing more: that none was left out or taken twice is also a matter of counting.
        taken, twice = self.daemon.sum("leadstream_events_total"), self.daemon.sum("leadstream_duplicates_total")
        _must((taken, twice) == (self.feeder.sent, 0), f"{self.feeder.sent} were sent, {taken:.0f} taken, {twice:.0f} twice",
              self.watch)
        return sure

    def held_back(self):
        return {"periods_held_back": "{} of {}".format(*self.quota.held_back())} if self.quota else {}


def overload(play, seconds, times, batch=0, quota=None, leads=20_000, ahead=200_000, measure=20, limit=3600):
    """Offers `times` the rate that it can take, then little. batch: events in a transaction, 0: as configured."""
    if batch:
        play.config["batch"] = {"max_events": batch}
    run = Started(play, leads, 0.5, quota)
    feeder, daemon, watch = run.feeder, run.daemon, run.watch
    takes, cpu = run.takes(ahead, measure)
    feeder.start()
    rest = 20 if seconds >= LONG else 0
    before = run.normal(takes, rest, limit)[1] if rest else watch.rows[-1:]
    seat, sent, first, began = Seat(play, daemon), run.offered(seconds), watch.rows[-1], watch.now()
    feeder.rate = takes * times * 1.03 # what is on its way at the end does not count
    least, offered = takes * (times if seconds >= LONG else min(times, 2)), 0
    # A short one goes on for longer when the machine stood still in the middle of it.
    while watch.now() - began < seconds or (seconds < LONG and watch.now() - began < 60 and
                                            (offered < least or watch.rows[-1]["t"] <= began)):
        time.sleep(min(seconds, max(began + seconds - watch.now(), 0.2)))
        offered = (run.offered(seconds) - sent) / (watch.now() - began)
    _must(offered >= least, f"only {offered:.0f}/s were offered to one that takes {takes:.0f}/s", watch)
    ended, last = watch.now(), watch.rows[-1]
    drained, after = run.normal(takes, rest, limit)
    sure = run.settled()
    figures = check_bounds(play, watch, began, plateau=seconds >= LONG) | seat.must_be_kept(watch) | run.held_back()
    figures |= {"takes": round(takes), "cpu": round(cpu, 3), "offered": round(offered), "times": round(offered / takes, 1),
                "seconds": seconds,
                "takes_meanwhile": round((last["events"] - first["events"]) / max(last["t"] - first["t"], 0.1)),
                "largest_lag": max(row["lag"] for row in watch.since(began)), "drained_in_s": round(drained - ended, 1),
                "rss_mib": [round(mean_rss(rows), 1) for rows in (before, after)],
                "besides_caches_mib": [round(mean_besides(rows), 1) for rows in (before, after)], "events": feeder.sent}
    print(json.dumps(figures), flush=True)
    daemon.end()
    figures["records_compared"] = compare(play, feeder.paths, sure)
    # The allocator and the store's tables come to rest some MiB higher, after many events as after few. A short one has
    # filled neither its caches nor its buffers before.
    _must(seconds < LONG or mean_besides(after) <= mean_besides(before) * 1.1 + 10, "memory has grown", watch)
    return figures


def soak(play, minutes, rate, batch=0, quota=None, leads=50_000):
    """A steady rate for long: the last two thirds must be flat."""
    if batch:
        play.config["batch"] = {"max_events": batch}
    run = Started(play, leads, 1, quota)
    feeder, daemon, watch = run.feeder, run.daemon, run.watch
    takes, cpu = run.takes(200_000, 20)
    watch.every = 5
    seat, began, sent = Seat(play, daemon), watch.now(), feeder.sent
    feeder.rate = rate or takes / 2
    feeder.start()
    while watch.now() - began < minutes * 60:
        daemon.must_live()
        time.sleep(1)
    offered = (feeder.sent - sent) / (watch.now() - began)
    ended = watch.now()
    sure = run.settled()
    figures = check_bounds(play, watch, began) | seat.must_be_kept(watch) | run.held_back()
    # Caches, librdkafka's buffers and the store's files take some twenty minutes to find their size: the last third
    # counts, and in it how much more the second half takes than the first.
    rows = [row for row in watch.since(began + (ended - began) * 2 / 3) if row["t"] <= ended]
    for name in ("rss", "cache", "rocksdb", "disk", "files", "threads"):
        values = [row[name] for row in rows]
        figures[name] = {"mean": round(sum(values) / len(values)), "least": min(values), "most": max(values),
                         "an_hour": round(slope(rows, name))}
    used = (rows[-1]["cpu"] - rows[0]["cpu"]) / (rows[-1]["t"] - rows[0]["t"])
    half = len(rows) // 2
    before, after = mean_rss(rows[:half]), mean_rss(rows[half:])
    figures |= {"minutes": minutes, "takes": round(takes), "cpu_full": round(cpu, 3), "offered": round(offered),
                "cpu": round(used, 3), "events": feeder.sent, "largest_lag": max(row["lag"] for row in rows),
                "rss_halves_mib": [round(before, 1), round(after, 1)]}
    print(json.dumps(figures), flush=True)
    daemon.end()
    figures["records_compared"] = compare(play, feeder.paths, sure)
    _must(after <= before * 1.02, f"memory grows: {before:.1f}, then {after:.1f} MiB", watch)
    _must(slope(rows, "files") <= 20 and slope(rows, "threads") <= 10, "files or threads grow", watch)
    return figures


def main():
    from play import Play  # not at the top: cases_load is imported by play's users
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("overload", "soak"))
    for name in ("leadstream", "broker", "work"):
        parser.add_argument(name)
    parser.add_argument("--cpu", type=float, default=0.05)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0)
    o = parser.parse_args()
    with open(os.path.join(o.broker, "bootstrap"), encoding="utf-8") as file:
        bootstrap = file.read().strip()
    play = Play(o.what, os.path.abspath(o.leadstream), bootstrap, os.path.abspath(os.path.join(o.work, o.what)), 1)
    quota = None
    try:
        if not o.batch:
            quota = Quota(o.cpu)
        if o.what == "overload":
            figures = overload(play, o.seconds, o.times, o.batch, quota)
        else:
            figures = soak(play, o.minutes, o.rate, o.batch, quota)
        print(json.dumps({"what": o.what, "quota": o.cpu if quota else None} | figures))
    except NoQuota as e:
        sys.exit(f"{e}: hold it back by its batches, with --batch 20")
    finally:
        play.close()
        if quota:
            quota.close()


if __name__ == "__main__":
    sys.exit(main())
