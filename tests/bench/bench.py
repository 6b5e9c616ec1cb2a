#!/usr/bin/env python3
"""The benchmark of `leadstream run`: throughput, memory, what transactions cost, restart, restore, latency.

    tests/bench/bench.py BUILD [CASE..]      CASE: A B plain restart restart1m revoke latency latency20
                                             (default: all)

BUILD is a release build's folder. A real Kafka is started by ops/kafka/kafka.sh on core 0; leadstream is pinned to
core 1. CPU is user + system of the process, from /proc, because wall time is noisy; "warm half" is the second half of
the events. The work is that of the Kafka Streams program described in tests/bench/README.md. Prints a table.
Environment: EVENTS (3000000), LEADS_A (100000), LEADS_B (2000000), COMMIT (100ms), KAFKA_HEAP (1g; the tests' 256m make the
broker pause for 25 ms every second), KEEP=1 (leave the folder).
"""
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EVENTS = int(os.environ.get("EVENTS", "3000000"))
LEADS = {"A": int(os.environ.get("LEADS_A", "100000")), "B": int(os.environ.get("LEADS_B", "2000000"))}
COMMIT = os.environ.get("COMMIT", "100ms")
TICK = os.sysconf("SC_CLK_TCK")
BROKER_CPU, APP_CPU = "0", "1"
PARTITIONS = 4
WARM = 9  # seconds of a load that the latencies leave out: what bench_latency leaves out, and its first record

CONFIG = """
model: {here}/model.yaml
app: {app}
instance: {instance}
threads: 1
kafka: {{bootstrap.servers: "{bootstrap}"}}
sources:
  - topic: {prefix}.email
    format: avro
    ids: {{1: {here}/schemas/email.avsc}}
    event: {{lead: lead, id: id, time: {{path: time, unit: ms}}, machine: machine, fields: {{url: url}},
      type: {{path: type, map: {{sent: email.sent, delivered: email.delivered, open: email.opened, click: email.clicked, reply: email.replied, unsubscribe: email.unsubscribed, bounce: email.bounced}}}}}}
  - topic: {prefix}.web
    format: avro
    ids: {{2: {here}/schemas/web.avsc}}
    event: {{lead: lead, id: id, time: {{path: time, unit: ms}}, fields: {{url: url}},
      type: {{path: type, map: {{page_view: web.page_viewed, video_play: web.video_played, search: web.searched, download: web.downloaded}}}}}}
  - topic: {prefix}.form
    format: avro
    ids: {{3: {here}/schemas/form.avsc}}
    event: {{lead: lead, id: id, time: {{path: time, unit: ms}}, type: {{path: type, map: {{submit: form.submitted, view: form.viewed}}}},
      fields: {{title: fields.title, company_size: fields.company_size, country: fields.country, industry: fields.industry, revenue: fields.revenue}}}}
outputs: {{scores: {app}.scores, sales_ready: {app}.sales-ready, dead_letters: {app}.dead-letters, format: avro}}
store: {{path: {store}, memory: 256MiB}}
batch: {{max_time: {commit}}}
http: {{listen: "127.0.0.1:{port}"}}
log: {{level: {level}}}
"""


def ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1024


def free_port():
    return int(subprocess.check_output([f"{ROOT}/ops/kafka/free_ports.py"]))


class Bench:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.program = f"{self.build}/src/leadstream"
        self.load = f"{self.build}/tests/bench/bench_load"
        self.work = tempfile.mkdtemp(prefix="leadstream-bench-")
        self.kafka = f"{ROOT}/ops/kafka/kafka.sh"
        self.serial = 0
        self.filled = {}

    def start_broker(self):
        # The events are of January 2026 and must stay, whatever the date is.
        os.environ["KAFKA_EXTRA_PROPERTIES"] = "log.retention.ms=-1"
        os.environ.setdefault("KAFKA_HEAP", "1g")
        subprocess.run(["taskset", "-c", BROKER_CPU, self.kafka, "start", f"{self.work}/kafka"], check=True,
                       stdout=subprocess.DEVNULL)
        self.bootstrap = open(f"{self.work}/kafka/bootstrap").read().strip()
        self.broker = int(open(f"{self.work}/kafka/pid").read())

    def stop(self):
        subprocess.run([self.kafka, "kill", f"{self.work}/kafka"], stdout=subprocess.DEVNULL)
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.work, ignore_errors=True)

    def config(self, prefix, app=None, instance="bench", level="warn", commit=COMMIT):
        """A configuration of its own (or one more instance of an app); topics that are missing are made."""
        self.serial += 1
        app = app or f"bench{self.serial}"
        place = f"{self.work}/{app}.{instance}"
        run = {"app": app, "port": free_port(), "store": f"{place}.store", "path": f"{place}.yaml", "log": f"{place}.log"}
        with open(run["path"], "w") as f:
            f.write(CONFIG.format(here=HERE, app=app, bootstrap=self.bootstrap, prefix=prefix, store=run["store"],
                                  instance=instance, level=level, commit=commit, port=run["port"]))
        subprocess.run([self.program, "topics", "-c", run["path"], "--create", "--partitions", str(PARTITIONS)], check=True,
                       stdout=subprocess.DEVNULL)
        return run

    def fill(self, case, how="fill", events=EVENTS, leads=None):
        if case not in self.filled:
            prefix = f"in{case}"
            self.config(prefix)
            subprocess.run([self.load, how, self.bootstrap, prefix, str(events), str(leads or LEADS[case]), "1"], check=True)
            self.filled[case] = prefix
        return self.filled[case]

    def start(self, run, *flags, cpu=APP_CPU):
        with open(run["log"], "a") as log:
            return subprocess.Popen(["taskset", "-c", cpu, self.program, "run", "-c", run["path"], *flags], stderr=log)

    def said(self, run, event):
        """[(seconds since 1970, the line's fields)] of an event in the log."""
        found = []
        for line in open(run["log"]):
            fields = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line))
            if fields.get("event") == event:
                found.append((datetime.datetime.fromisoformat(fields["ts"].replace("Z", "+00:00")).timestamp(), fields))
        return found

    def metrics(self, run):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{run['port']}/metrics", timeout=2) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def commits(self, run):
        """[(ms, commits that took at most that)], for each bucket of the histogram."""
        found = re.findall(r'^leadstream_commit_seconds_bucket\{.*le="([^"]+)"\} (\d+)', self.metrics(run), re.M)
        return [(float(le) * 1000, int(n)) for le, n in found]

    def counts(self, run):
        text = self.metrics(run)
        return {m[1]: int(float(m[2])) for m in re.finditer(r"^(leadstream_\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$", text, re.M)}

    def until(self, run, process, metric, value, seconds=300, pause=0.1):
        """(time, events, cpu) samples until the counter is there."""
        samples, end = [], time.time() + seconds
        while time.time() < end:
            if process.poll() is not None:
                raise SystemExit(f"leadstream ended with {process.returncode}")
            counts = self.counts(run)
            if counts:
                samples.append((time.time(), counts.get("leadstream_events_total", 0), ticks(process.pid)))
                if counts.get(metric, 0) >= value:
                    return samples, counts
            time.sleep(pause)
        raise SystemExit(f"{metric} did not reach {value}: {counts}")

    def throughput(self, case, *flags):
        run = self.config(self.fill(case))
        broker = ticks(self.broker)
        process = self.start(run, *flags)
        samples, counts = self.until(run, process, "leadstream_events_total", EVENTS)
        first = next(s for s in samples if s[1] > 0)
        half = next(s for s in samples if s[1] >= EVENTS / 2)
        last = samples[-1]
        result = {
            "events/s": f"{EVENTS / (last[0] - first[0]):,.0f}",
            "CPU-s/M whole": f"{last[2] / (EVENTS / 1e6):.2f}",
            "CPU-s/M warm half": f"{(last[2] - half[2]) / ((last[1] - half[1]) / 1e6):.2f}",
            "broker CPU-s/M": f"{(ticks(self.broker) - broker) / (EVENTS / 1e6):.2f}",
            "peak RSS MiB": f"{peak_mib(process.pid):.0f}",
            "changes": counts["leadstream_score_changes_total"],
            "ready": counts["leadstream_sales_ready_total"],
            "duplicates": counts["leadstream_duplicates_total"],
        }
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        return result

    def restart(self, prefix, kill_at, wipe):
        """kill -9 after so many events, start again: how long until all is live and until the first new event, how many
        changelog records were read back of those written, and how fast."""
        run = self.config(prefix, level="info")
        process = self.start(run)
        _, before = self.until(run, process, "leadstream_events_total", kill_at)
        process.kill()
        process.wait()
        os.remove(run["log"])
        if wipe:
            shutil.rmtree(run["store"])
        begun = time.time()
        process = self.start(run)
        samples, _ = self.until(run, process, "leadstream_events_total", 1, pause=0.02)
        live, assigned = self.said(run, "live"), self.said(run, "assigned")
        read = sum(int(fields["restored"]) for _, fields in live)
        result = {"live after s": f"{live[-1][0] - begun:.2f}", "first new event after s": f"{samples[-1][0] - begun:.2f}",
                  "changelog records read": f"{read:,}",
                  "written before": f"{before['leadstream_changelog_records_total']:,}",
                  "read a second, from assigned to live": f"{read / (live[-1][0] - assigned[0][0]):,.0f}",
                  "peak RSS MiB": f"{peak_mib(process.pid):.0f}"}
        process.kill()
        process.wait()
        return result

    def restarts(self, prefix, kill_at):
        return [(f"kill -9, disk {'wiped' if wipe else 'kept'}", self.restart(prefix, kill_at, wipe)) for wipe in (False, True)]

    def revoke(self):
        """A second instance comes while the first works off a backlog, then the first is asked to stop. Neither is pinned."""
        prefix, cpus = self.fill("each1m", "each", 3500000, 1000000), f"{BROKER_CPU},{APP_CPU}"
        first, second = (self.config(prefix, app="revoke", instance=name, level="info") for name in ("first", "second"))
        old = self.start(first, cpu=cpus)
        _, counts = self.until(first, old, "leadstream_events_total", 1600000)
        joined = time.time()
        new = self.start(second, cpu=cpus)
        self.until(second, new, "leadstream_events_total", 1, pause=0.02)
        self.until(first, old, "leadstream_shards_live", PARTITIONS // 2)
        revoked, fields = [line for line in self.said(first, "revoked") if "ms" in line[1]][-1]
        again = [at for at, _ in self.said(first, "live") if at > revoked]
        there = self.said(second, "live")
        result = {"leads": f"{counts['leadstream_store_writes_total'] + counts['leadstream_unwritten_leads']:,}",
                  "unwritten": f"{counts['leadstream_unwritten_leads']:,}",
                  "in the callback ms": fields["ms"],
                  "from the second's start to the revoke s": f"{revoked - joined:.2f}",
                  "from the revoke to the first's shards live s": f"{again[-1] - revoked:.2f}",
                  "to the second's": f"{there[-1][0] - revoked:.2f}",
                  "which read": f"{sum(int(f['restored']) for _, f in there):,} changelog records"}
        begun = time.time()
        old.send_signal(signal.SIGTERM)
        old.wait(60)
        result["SIGTERM to the end s"] = f"{time.time() - begun:.2f}"
        new.kill()
        new.wait()
        return result

    def latency(self, commit, rate=5000, seconds=30):
        """Age of score changes when a read_committed consumer gets them, and what commits take, both once all is warm."""
        self.serial += 1
        prefix = f"lat{self.serial}"
        run = self.config(prefix, commit=commit)
        process = self.start(run)
        self.until(run, process, "leadstream_shards_live", PARTITIONS)
        out = f"{self.work}/latency.txt"
        watcher = subprocess.Popen(
            f"taskset -c {BROKER_CPU} {self.build}/tests/bench/bench_latency {self.bootstrap} {run['app']}.scores {seconds - 5} > {out}",
            shell=True)
        time.sleep(1)
        cpu = ticks(process.pid)
        load = subprocess.Popen(["taskset", "-c", BROKER_CPU, self.load, "pace", self.bootstrap, prefix, str(rate), str(seconds),
                                 str(LEADS["A"]), "2"])
        time.sleep(WARM)
        before = self.commits(run)
        watcher.wait(120)
        commits = [(ms, n - m) for (ms, n), (_, m) in zip(self.commits(run), before)]
        if load.wait(60):
            raise SystemExit("the load failed")
        result = json.load(open(out))
        result |= {"commits": commits[-1][1], "commit p50": f"{quantile(commits, 0.5):.1f}",
                   "commit p99": f"{quantile(commits, 0.99):.1f}", "CPU of a core": f"{(ticks(process.pid) - cpu) / seconds:.3f}"}
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        return result


def quantile(buckets, q):
    """As Prometheus has it: evenly spread within a bucket."""
    wanted, low, below = q * buckets[-1][1], 0.0, 0
    for ms, n in buckets:
        if n >= wanted and n > below:
            return low + (ms - low) * (wanted - below) / (n - below) if ms != float("inf") else low
        low, below = ms, n
    return low


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cases = sys.argv[2:] or ["A", "B", "plain", "restart", "restart1m", "revoke", "latency", "latency20"]
    bench = Bench(sys.argv[1])
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    print(f"machine: {platform.node()}, {model.group(1) if model else platform.machine()}, {os.cpu_count()} cores; "
          f"{EVENTS:,} events, commit every {COMMIT}")
    try:
        bench.start_broker()
        for case in cases:
            results = {"A": lambda: [("A: exactly once", bench.throughput("A"))],
                       "B": lambda: [("B: exactly once", bench.throughput("B"))],
                       "plain": lambda: [("A: no transactions", bench.throughput("A", "--no-transactions"))],
                       "restart": lambda: bench.restarts(bench.fill("A"), EVENTS * 2 // 3),
                       "restart1m": lambda: bench.restarts(bench.fill("2m", "each", 2000000, 1000000), 1800000),
                       "revoke": lambda: [("revoke at full load, 1M leads", bench.revoke())],
                       "latency": lambda: [("latency at 5,000 events/s, commits every 100 ms", bench.latency("100ms"))],
                       "latency20": lambda: [("the same every 20 ms", bench.latency("20ms"))]}[case]()
            for name, result in results:
                print(f"{name:26}", "  ".join(f"{k}: {v}" for k, v in result.items()), flush=True)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
