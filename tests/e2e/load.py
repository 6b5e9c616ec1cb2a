"""More than it can take, and for long: what the process does to memory, files and its seat in the group. On demand:

    load.py overload LEADSTREAM BROKER_FOLDER WORK_FOLDER [--seconds 60] [--batch 20] [--times 10]
    load.py soak     LEADSTREAM BROKER_FOLDER WORK_FOLDER [--minutes 30] [--rate N]

overload: measures the rate R that the daemon can take, offers 10 R for 60 s, then a tenth of R until the lag is gone. So
that one machine can hold producer, broker and daemon, the daemon is held back by its batches: few events in each, and a
commit for each. soak: half of R (or --rate) for 30 minutes. Both end by comparing every record with `score --changes`,
and print their figures as JSON. A short overload is among the tests (cases_load.py).
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time

import topics
import traffic
from compare import Difference

MIB = 1 << 20
TICK = 0.02
# Besides store.memory: code, threads, librdkafka's buffers, RocksDB's files (ops/README.md says some 100 MiB).
BESIDES = 160 * MIB


class Feeder(threading.Thread):
    """Events stamped now, at a rate, to the topic, and in the same order into one file a partition for `score`."""

    def __init__(self, play, leads):
        super().__init__(daemon=True)
        self.rate, self.sent, self.play = 0, 0, play
        self.rng = random.Random(play.seed)
        self.leads = [(f"lead-{n}", topics.partition_of(f"lead-{n}", play.partitions)) for n in range(leads)]
        self.bodies = []
        for _ in range(2000):
            kind, fields = self.rng.choice(traffic.KINDS)(self.rng)
            self.bodies.append(f'"type":"{kind}","fields":{json.dumps(fields, separators=(",", ":"))}')
        self.paths = [play.file(f"events.{n}.jsonl") for n in range(play.partitions)]
        self.files = [open(path, "w", encoding="utf-8") for path in self.paths]
        self.kcat = subprocess.Popen(
            ["kcat", "-P", "-b", play.bootstrap, "-t", play.topic("events"), "-K", topics.KEY_END, "-D",
             topics.RECORD_END, "-X", "partitioner=murmur2_random", "-X", "enable.idempotence=true", "-X", "linger.ms=20",
             "-X", "compression.codec=lz4"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.stopped = False

    def _some(self, n):
        stamp = traffic.stamp(int(time.time() * 1000))
        pieces, parts = [], [[] for _ in self.files]
        for _ in range(n):
            lead, partition = self.leads[int(len(self.leads) * self.rng.random() ** 2)]
            line = f'{{"lead":"{lead}","id":"{self.sent}","time":"{stamp}",{self.rng.choice(self.bodies)}}}'
            self.sent += 1
            pieces.append(f"{lead}{topics.KEY_END}{line}{topics.RECORD_END}")
            parts[partition].append(line + "\n")
        self.kcat.stdin.write("".join(pieces).encode())
        self.kcat.stdin.flush()
        for file, lines in zip(self.files, parts):
            file.writelines(lines)

    def run(self):
        due, last = 0.0, time.monotonic()
        while not self.stopped:
            now = time.monotonic()
            # What could not be sent in half a second is not caught up: the rate is what was offered, and is counted.
            due = min(due + (now - last) * self.rate, max(self.rate * 0.5, 1))
            last = now
            if due >= 1:
                self._some(int(due))
                due -= int(due)
            time.sleep(TICK)

    def give(self, count):
        """So many at once; only while the rate is 0."""
        for begin in range(0, count, 5000):
            self._some(min(5000, count - begin))

    def close(self):
        self.stopped = True
        if self.ident:
            self.join()
        self.kcat.stdin.close()
        self.kcat.wait(120)
        for file in self.files:
            file.close()


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
        metrics = self.process.metrics()

        def total(name):
            return sum(v for k, v in metrics.items() if k.split("{")[0] == name)

        return {"t": round(time.monotonic() - self.began, 1), "rss": int(status["VmRSS"].split()[0]) * 1024,
                "threads": int(status["Threads"]), "files": len(os.listdir(f"{proc}/fd")), "disk": self._disk(),
                "log": os.path.getsize(self.process.log_file),
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


# ---------------------------------------------------------------- comparison, for more records than memory would take

def _digests(lines):
    """{(lead, family): [(at, hash)]} of lines of JSON."""
    found = {}
    for line in lines:
        record = json.loads(line)
        key = record["lead"], record["kind"] == "sales_ready"
        digest = hashlib.blake2b(line.strip(), digest_size=8).digest()
        found.setdefault(key, []).append((record["at"], digest))
    return found


def _stream(command):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        yield from process.stdout
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")


def compare(play, paths, sure):
    """The committed records are those of `score --changes`, byte for byte and in order, up to `sure` (ms)."""
    until = traffic.stamp(int(time.time() * 1000) + 60_000)
    want = _digests(_stream([play.binary, "score", "-m", play.model, "--changes", "--output", "jsonl", "--at", until,
                             *paths]))
    have = {}
    for topic in (play.topic("scores"), play.topic("sales-ready")):
        have.update(_digests(_stream(["kcat", "-C", "-b", play.bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
                                      "-X", "isolation.level=read_committed", "-f", "%s\n"])))
    sure, count = traffic.stamp(sure), 0
    for who in sorted(set(want) | set(have)):
        wanted, got = want.get(who, []), have.get(who, [])
        if got != wanted[:len(got)]:
            raise Difference(f"{who}: the records are others than those of score")
        if any(at <= sure for at, _ in wanted[len(got):]):
            raise Difference(f"{who}: {len(wanted) - len(got)} records are missing")
        count += len(got)
    if not count:
        raise Difference("nothing was published: nothing was compared")
    return count


# ---------------------------------------------------------------- the runs

def _must(good, words, watch):
    if not good:
        raise AssertionError(f"{words}\n" + "\n".join(json.dumps(row) for row in watch.rows[-20:]))


def check_bounds(play, daemon, watch, since, words, plateau=True):
    """Memory in its bounds and (of long runs) no growth past the plateau, no lost member; words: where in its log that begins."""
    rows = watch.since(since)
    third = len(rows) // 3
    memory = int(play.config["store"]["memory"].removesuffix("MiB")) * MIB
    peak, early = max(r["rss"] for r in rows), max(r["rss"] for r in rows[:third + 1])
    _must(peak <= memory + BESIDES, f"the process took {peak // MIB} MiB with store.memory {memory // MIB} MiB", watch)
    _must(not plateau or peak <= early * 1.15 + 16 * MIB, f"memory went on growing: {early // MIB}, then {peak // MIB} MiB", watch)
    _must(max(r["files"] for r in rows) <= rows[0]["files"] + 64, "more and more files are open", watch)
    _must(max(r["threads"] for r in rows) <= rows[0]["threads"] + 16, "more and more threads", watch)
    lost = [line for line in daemon.words()[words:].splitlines() if "event=revoked" in line or "batch_lost" in line]
    _must(not lost, f"shards or batches were lost: {lost[:5]}", watch)
    return {"rss_peak_mib": round(peak / MIB, 1), "rss_early_mib": round(early / MIB, 1),
            "files": max(r["files"] for r in rows), "threads": max(r["threads"] for r in rows),
            "log_bytes": rows[-1]["log"], "disk_mib": round(max(r["disk"] for r in rows) / MIB, 1)}


def _started(play, leads, every):
    play.make_topics()
    feeder = Feeder(play, leads)
    daemon = play.start()
    play.wait_live(daemon)
    watch = Watch(daemon, play.store(), every, play.file("watch.jsonl"))
    watch.start()
    return feeder, daemon, watch


def _takes(feeder, watch, backlog, seconds):
    """Events a second that it takes while there is more to take, over so many seconds or until nothing is left. What
    kcat holds back of the last is not waited for."""
    begin = watch.now()
    feeder.give(backlog)
    most = feeder.sent - 1000
    while watch.now() - begin < seconds + 30:
        time.sleep(0.2)
        busy = [row for row in watch.since(begin) if row["events"]]
        if busy and (busy[-1]["t"] - busy[0]["t"] >= seconds or busy[-1]["events"] > most):
            break
    first = next((row for row in busy if row["events"] > most), busy[-1]) if busy else None
    _must(first and first["t"] > busy[0]["t"], "it took nothing, or all at once", watch)
    return (first["events"] - busy[0]["events"]) / (first["t"] - busy[0]["t"])


def overload(play, seconds, batch, times, leads=20_000, backlog=40_000, measure=15, limit=3600):
    """Offers `times` the rate that it can take, then little. batch: events in a transaction."""
    play.config["batch"] = {"max_events": batch}
    feeder, daemon, watch = _started(play, leads, 0.5)
    takes = _takes(feeder, watch, backlog, measure)
    began, sent, words = watch.now(), feeder.sent, len(daemon.words())
    feeder.rate = takes * times
    feeder.start()
    time.sleep(seconds)
    offered = (feeder.sent - sent) / (watch.now() - began)
    lag = max(row["lag"] for row in watch.since(began))
    feeder.rate = takes / 10
    ended = watch.now()
    while watch.rows[-1]["lag"] > takes and watch.now() - ended < limit:
        daemon.must_live()
        time.sleep(0.5)
    drained = watch.now() - ended
    feeder.close()
    play.reconnect() # a broker ends connections that were idle for long
    sure = play.wait_quiet(limit=300)
    watch.close()
    figures = check_bounds(play, daemon, watch, began, words, plateau=seconds >= 30)
    _must(offered >= takes * min(times, 2), f"only {offered:.0f}/s were offered to one that takes {takes:.0f}/s", watch)
    _must(watch.rows[-1]["lag"] == 0, "the lag did not drain", watch)
    daemon.end()
    figures |= {"takes": round(takes), "offered": round(offered), "times": round(offered / takes, 1), "seconds": seconds,
                "largest_lag": lag, "drained_in_s": round(drained, 1), "events": feeder.sent,
                "records_compared": compare(play, feeder.paths, sure)}
    return figures


def soak(play, minutes, rate, leads=50_000):
    """A steady rate for long: the last two thirds must be flat."""
    feeder, daemon, watch = _started(play, leads, 1)
    takes = _takes(feeder, watch, 500_000, 20)
    watch.every = 5
    began, sent, words = watch.now(), feeder.sent, len(daemon.words())
    feeder.rate = rate or takes / 2
    feeder.start()
    while watch.now() - began < minutes * 60:
        daemon.must_live()
        time.sleep(1)
    offered = (feeder.sent - sent) / (watch.now() - began)
    ended = watch.now()
    feeder.close()
    play.reconnect() # a broker ends connections that were idle for long
    sure = play.wait_quiet(limit=300)
    watch.close()
    figures = check_bounds(play, daemon, watch, began, words)
    # Caches, librdkafka's buffers and the store's files take some twenty minutes to find their size: the last third
    # counts, and in it how much more the second half takes than the first.
    rows = [row for row in watch.since(began + (ended - began) * 2 / 3) if row["t"] <= ended]
    for name in ("rss", "cache", "rocksdb", "disk", "files", "threads"):
        values = [row[name] for row in rows]
        figures[name] = {"mean": round(sum(values) / len(values)), "least": min(values), "most": max(values),
                         "an_hour": round(slope(rows, name))}
    figures |= {"minutes": minutes, "takes": round(takes), "offered": round(offered), "events": feeder.sent,
                "largest_lag": max(row["lag"] for row in rows)}
    print(json.dumps(figures, indent=1), flush=True)
    daemon.end()
    figures["records_compared"] = compare(play, feeder.paths, sure)
    half = len(rows) // 2
    before, after = (sum(row["rss"] for row in some) / len(some) for some in (rows[:half], rows[half:]))
    _must(after <= before * 1.02, f"memory grows: {before / MIB:.1f}, then {after / MIB:.1f} MiB", watch)
    _must(slope(rows, "files") <= 20 and slope(rows, "threads") <= 10, "files or threads grow", watch)
    return figures


def main():
    from play import Play  # not at the top: cases_load is imported by play's users
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("overload", "soak"))
    for name in ("leadstream", "broker", "work"):
        parser.add_argument(name)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0)
    o = parser.parse_args()
    with open(os.path.join(o.broker, "bootstrap"), encoding="utf-8") as file:
        bootstrap = file.read().strip()
    play = Play(o.what, os.path.abspath(o.leadstream), bootstrap, os.path.join(o.work, o.what), 1)
    try:
        if o.what == "overload":
            figures = overload(play, o.seconds, o.batch, o.times)
        else:
            figures = soak(play, o.minutes, o.rate)
        print(json.dumps(figures, indent=1))
    finally:
        play.close()


if __name__ == "__main__":
    sys.exit(main())
