"""What one end-to-end test has: topics, a group and a folder of its own on the shared broker; a configuration; the
events it produced; daemons it started; and the comparison with `leadstream score --changes`."""

import contextlib
import copy
import json
import os
import random
import shutil
import subprocess
import time

import compare
import topics
import traffic
import wire
from daemon import Daemon, DaemonError, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
# Between the daemon's clock and ours: grace and idle of the configuration, and slack for a busy machine.
CLOCK_SLACK_MS = 12_000
OUTPUTS = ("scores", "sales-ready", "dead-letters")


class Skip(Exception):
    """The test cannot be made here; the words say why."""


class Play:
    def __init__(self, name, binary, bootstrap, folder, seed):
        self.binary, self.bootstrap, self.folder, self.seed = binary, bootstrap, folder, seed
        self.rng = random.Random(seed)
        # A seed may be repeated on the same broker.
        self.prefix = f"{name.replace('_', '-')}-{seed:x}-{os.urandom(2).hex()}"
        self.wire = wire.Wire(bootstrap)
        self.partitions = 4
        self.broker = None      # its folder
        self.daemons = []
        self.environment = {}   # of daemons to be started, besides ours
        self.output_prefix = ""
        self.sent = {}          # topic -> [event] in the order produced
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.model = os.path.join(folder, "model.yaml")
        shutil.copy(os.path.join(HERE, "model.yaml"), self.model)
        self.config = {
            "model": self.model, "app": self.prefix, "threads": 2,
            "kafka": {"bootstrap.servers": bootstrap},
            "sources": [{"topic": self.topic("events"), "format": "json"}],
            "outputs": {name.replace("-", "_"): self.topic(name) for name in OUTPUTS} | {"format": "json"},
            "store": {"memory": "64MiB"},
            "log": {"level": "info"}}

    # ---------------------------------------------------------------- set-up

    def topic(self, name):
        return f"{self.prefix}.{self.output_prefix if name in OUTPUTS else ''}{name}"

    def rename_outputs(self, prefix):
        """From now on the output topics have this before their names."""
        self.output_prefix = prefix
        self.config["outputs"].update({name.replace("-", "_"): self.topic(name) for name in OUTPUTS})

    def changelog(self):
        return f"{self.prefix}.{self.config.get('generation', 'g1')}.changelog"

    def group(self):
        return f"{self.prefix}.{self.config.get('generation', 'g1')}"

    def sources(self):
        return [s["topic"] for s in self.config["sources"]]

    def file(self, name):
        return os.path.join(self.folder, name)

    def store(self, instance="a"):
        return self.file(f"store-{instance}")

    def write_config(self, instance="a", /, **changes):
        """Writes config-INSTANCE.yaml (JSON is YAML too) and returns its path; changes replace whole sections."""
        config = copy.deepcopy(self.config)
        config["instance"] = instance
        config["store"]["path"] = self.store(instance)
        config["http"] = {"listen": f"127.0.0.1:{free_port()}"}
        config.update(changes)
        path = self.file(f"config-{instance}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        return path

    def make_topics(self, partitions=4):
        """Source topics by hand, as someone else's producers would have them; the rest by `topics --create`."""
        self.partitions = partitions
        self.wire.create_topics({name: (partitions, {}) for name in self.sources()})
        self.command("topics", "-c", self.write_config("setup"), "--create")

    def command(self, *arguments, codes=(0,), limit=120):
        done = subprocess.run([self.binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit,
                              check=False)
        if done.returncode not in codes:
            raise AssertionError(f"leadstream {' '.join(arguments)} ended with {done.returncode}: "
                                 f"{(done.stdout + done.stderr).decode(errors='replace')[-3000:]}")
        return done

    @contextlib.contextmanager
    def own_broker(self, folder, killed=False):
        """For as long as this lasts, a broker that no other test sees, to be maltreated. One that will be killed is to be
        usable again soon after its start; any other keeps its patience with a machine that is busy."""
        if killed:
            given = os.environ.get("KAFKA_EXTRA_PROPERTIES", "")
            os.environ["KAFKA_EXTRA_PROPERTIES"] = given + "\nbroker.session.timeout.ms=2000"
        self.bootstrap = topics.kafka("start", folder)
        self.config["kafka"]["bootstrap.servers"] = self.bootstrap
        self.reconnect()
        try:
            yield
        finally:
            self.close()
            topics.kafka("wipe", folder)

    def reconnect(self):
        """The broker was away: our own connection is no more."""
        self.wire.close()
        self.wire = wire.Wire(self.bootstrap)

    # ---------------------------------------------------------------- events

    def traffic(self, count, leads, days=3, ago=6, **more):
        """Events of the last days, but none of the newest: timers that are due since then fire on idle input."""
        begin = int(time.time() * 1000) - ago * traffic.DAY
        return traffic.events(self.seed, count, leads, begin, days * traffic.DAY, **more)

    def second_wave(self, count, leads):
        """More events for the same leads, newer than all timers that may have fired: what they publish shows what is
        remembered. They are ahead of the wall clock, by less than `time.future`."""
        begin = int(time.time() * 1000) + 120_000
        return traffic.events(self.seed + 1, count, leads, begin, 1_800_000)

    def send(self, events, topic=None, encode=None):
        """Produces events, as JSON lines unless encode(event) -> bytes is given."""
        topic = topic or self.topic("events")
        encode = encode or (lambda e: traffic.line(e).encode())
        topics.produce(self.bootstrap, topic, [(e["lead"].encode(), encode(e)) for e in events])
        self.sent.setdefault(topic, []).extend(events)

    # ---------------------------------------------------------------- daemons

    def start(self, instance="a", /, before=(), **changes):
        config = self.write_config(instance, **changes)
        with open(config, encoding="utf-8") as file:
            written = json.load(file)
        daemon = Daemon(self.binary, config, self.file(f"log-{instance}"), written["http"]["listen"], self.environment,
                        before)
        daemon.follows = "idle" not in written.get("time", {}) or written["time"]["idle"].endswith("ms")
        self.daemons.append(daemon)
        return daemon

    def close(self):
        for daemon in self.daemons:
            if daemon.alive():
                daemon.kill()
        self.wire.close()

    def wait_live(self, daemon, limit=180):
        """Waits until this daemon, alone, has every shard and each is up to date."""
        end = time.monotonic() + limit
        live = 0
        while live != self.partitions:
            self._watch(end, f"{live} of {self.partitions} shards are live")
            time.sleep(0.1)
            live = daemon.sum("leadstream_shards_live")

    def wait_gauges(self, daemons, limit=180, **wanted):
        """Waits until these gauges of the daemons together are as wanted."""
        end = time.monotonic() + limit
        now = None
        while now != wanted:
            self._watch(end, f"wanted {wanted}, is {now}")
            time.sleep(0.1)
            now = {name: sum(daemon.sum(name) for daemon in daemons) for name in wanted}

    def lag(self):
        """Records of the source topics past the group's committed offsets."""
        done = self.wire.committed(self.group())
        behind = 0
        for topic in self.sources():
            for partition, end in enumerate(self.wire.ends(topic, self.partitions)):
                behind += end - max(done.get((topic, partition), 0), 0)
        return behind

    def wait_lag(self, below, limit=240):
        end = time.monotonic() + limit
        while self.lag() > below:
            self._watch(end, f"the lag is {self.lag()}, wanted {below}")
            time.sleep(0.05)

    def wait_quiet(self, limit=300, still=3.0, markers=0, ahead=0):
        """Waits until all shards are live and their clocks near the wall's (`ahead`: of daemons whose clock is so many ms
        before ours), all input is committed, no transaction is open and nothing has been written for a while. Returns
        the time (ms) up to which every timer must have fired. Where inputs were written in transactions, the markers at
        their ends are offsets that no consumer reads: so many of them may stay."""
        end = time.monotonic() + limit
        watched = [self.topic("scores"), self.topic("sales-ready"), self.topic("dead-letters"), self.changelog()]
        before, since, sure, read = None, time.monotonic(), 0, None
        while before is None or time.monotonic() - since < still:
            began = time.monotonic()
            counts = {t: self.wire.partitions()[t] for t in watched}
            now = [self.lag()] + [self.wire.ends(t, n) for t, n in counts.items()]
            stable = [self.wire.ends(t, n, committed=True) for t, n in counts.items()]
            sure = int(time.time() * 1000) + ahead - CLOCK_SLACK_MS
            behind = self._behind(sure)
            if now != read and now[0] <= markers and (now[0] == 0 or self._unread() == 0):
                read = now
            if now != before or now != read or now[1:] != stable or behind:
                before, since = now, time.monotonic()
            # While who is asked stands still, that nothing is written says nothing.
            since += max(0, time.monotonic() - began - 0.5)
            self._watch(end, f"not quiet, lag {now[0]} {behind}")
            time.sleep(0.1)
        return sure

    def _behind(self, sure):
        """What the daemons that run still lack, in words: nothing being written says little of one that stands still."""
        running = [daemon for daemon in self.daemons if daemon.alive()]
        metrics = [daemon.metrics() for daemon in running]
        live = sum(v for found in metrics for k, v in found.items() if k.startswith("leadstream_shards_live"))
        if running and live != self.partitions:
            return f"{live:.0f} of {self.partitions} shards are live"
        clocks = [v for daemon, found in zip(running, metrics) if daemon.follows for k, v in found.items()
                  if k.startswith("leadstream_clock_ms") and found[k.replace("clock_ms", "shards_live")]]
        return f"clocks {clocks}, wanted {sure}" if clocks and min(clocks) < sure else ""

    def _unread(self):
        """How many records (markers are none) are past the group's committed offsets."""
        done, unread = self.wire.committed(self.group()), 0
        for topic in self.sources():
            for partition, end in enumerate(self.wire.ends(topic, self.partitions)):
                begin = max(done.get((topic, partition), 0), 0)
                if begin < end:
                    unread += topics.count(self.bootstrap, topic, partition, begin)
        return unread

    def wait_until(self, good, words, limit=120):
        end = time.monotonic() + limit
        while not good():
            self._watch(end, words)
            time.sleep(0.1)

    def settle(self, *names, limit=90):
        """Until no transaction is open on these topics: a broker writes the markers of one after it has said that all is
        well, and who reads what is committed does not see what is before them."""
        end = time.monotonic() + limit
        for name in names:
            count = self.wire.partitions()[name]
            while self.wire.ends(name, count, committed=True) != self.wire.ends(name, count):
                self._watch(end, f"a transaction in {name} does not end")
                time.sleep(0.05)

    def _watch(self, end, words):
        for daemon in self.daemons:
            if not daemon.alive() and daemon.process.returncode not in (0, -9):
                daemon.must_live()
        if time.monotonic() > end:
            tail = "\n".join(d.words()[-1500:] for d in self.daemons if d.alive())
            raise DaemonError(f"{words}\n{tail}")

    # ---------------------------------------------------------------- comparison

    def write_events(self):
        """One file a partition, in the order of the partition: `score` merges files as `run` merges partitions."""
        files = []
        for topic in sorted(self.sent):
            split = [[] for _ in range(self.partitions)]
            for event in self.sent[topic]:
                split[topics.partition_of(event["lead"], self.partitions)].append(event)
            for number, part in enumerate(split):
                path = self.file(f"{topic}.{number}.jsonl")
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(traffic.line(e) + "\n" for e in part)
                files.append(path)
        return files

    def expected(self, until):
        """The records that `score --changes` gives of the events sent, up to an instant (ms)."""
        done = self.command("score", "-m", self.model, "--changes", "--output", "jsonl", "--at", traffic.stamp(until),
                            *self.write_events())
        return [compare.parse(line) for line in done.stdout.splitlines()]

    def got(self):
        """The committed records on the output topics, tombstones left out."""
        records = []
        for topic in (self.topic("scores"), self.topic("sales-ready")):
            for record in topics.read(self.bootstrap, topic):
                if record.value is None:
                    continue
                value = self.decode(record.value)
                if record.key.decode() != value["lead"]:
                    raise compare.Difference(f"{topic}: key {record.key} on a record of {value['lead']}")
                records.append(value)
        return records

    def decode(self, value):
        return compare.parse(value.decode())

    def check(self, sure_until, until=None):
        """The outputs are exactly those expected, up to an instant (ms): now, unless the daemon's clock is another.
        Returns the number of records compared."""
        got = self.got()
        compare.unique_ids(got)
        newest = max(traffic.parse_stamp(e["time"]) for events in self.sent.values() for e in events)
        until = until or max(int(time.time() * 1000), newest + 60_000)
        count = compare.same(self.expected(until), got, sure_until)
        kinds = {k: sum(1 for r in got if r["kind"] == k) for k in ("score_changed", "sales_ready", "erased")}
        timed = sum(1 for r in got if r.get("trigger") == "time")
        print(f"compared {count} records of {sum(map(len, self.sent.values()))} events: {kinds}, {timed} by time")
        if count == 0:
            raise compare.Difference("nothing was published: the test compares nothing")
        return count

    def latest_changelog(self):
        """{key: value} of the changelog, as compaction would leave it; the keys of leads only, without tombstones."""
        last = {}
        for record in topics.read(self.bootstrap, self.changelog()):
            last[record.key] = record.value
        return {k: v for k, v in last.items() if k[:1] == b"L" and v is not None}
