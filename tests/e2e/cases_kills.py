"""kill -9 at random moments, from the first instruction to full work, under live traffic, with the disk kept, wiped or
put back from an old copy. The one test of which more is better:

    E2E_KILLS=200 python3 tests/e2e/run_case.py kills_live BINARY BROKER_FOLDER WORK_FOLDER"""

import os
import shutil
import time

import chaos
import topics

KILLS = 15
# What happens to the disk of one that was killed, and how often.
DISKS = ["kept"] * 6 + ["wiped"] * 2 + ["old"] * 2


class Fleet:
    """Two instances with a disk each: started, killed, their disks copied, lost and brought back."""

    def __init__(self, play):
        self.play, self.running, self.done = play, {}, []

    def start(self, name):
        rng = self.play.rng
        batch = {"max_events": rng.choice([10, 40, 200]), "max_time": rng.choice(["10ms", "30ms"])}
        store = {"memory": "64MiB", "lag": rng.choice(["100ms", "1s"])}
        self.running[name] = self.play.start(name, batch=batch, time=chaos.LIVE, threads=rng.choice([1, 2]),
                                             store=store | {"path": self.play.store(name)})

    def wait_for_work(self):
        """Until one of those that run has done a batch; its name."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            for name in self.play.rng.sample(sorted(self.running), len(self.running)):
                self.running[name].must_live()
                if self.running[name].sum("leadstream_batches_total") > 0:
                    return name
            time.sleep(0.05)
        raise AssertionError("none of them does a batch within 120 s")

    def kill(self, name):
        daemon = self.running.pop(name)
        daemon.must_live()
        self.done.append("at work" if daemon.sum("leadstream_batches_total") > 0 else "before its first batch")
        daemon.kill()

    def treat_disk(self, name):
        """A copy made while nobody writes, as an operator's backup is; it comes back some kills later."""
        store, copy = self.play.store(name), self.play.file(f"copy-{name}")
        fate = self.play.rng.choice(DISKS)
        if fate == "wiped" or (fate == "old" and os.path.isdir(copy)):
            shutil.rmtree(store, ignore_errors=True)
        if fate == "old" and os.path.isdir(copy):
            shutil.copytree(copy, store)
        elif os.path.isdir(store) and self.play.rng.random() < 0.3:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(store, copy, ignore=shutil.ignore_patterns("*.sock"))
        self.done[-1] += f", disk {fate}"


def kills_live(play):
    """Kills while a producer writes; every record of an undisturbed run is there once, and no other."""
    kills = int(os.environ.get("E2E_KILLS", KILLS))
    play.config["kafka"] |= chaos.SHORT
    play.make_topics()
    # Compaction within seconds, so that stores and copies meet a changelog that has lost what they stand on.
    topics.tool("configs", "--bootstrap-server", play.bootstrap, "--alter", "--topic", play.changelog(),
                "--add-config", "segment.ms=2000")
    stream = chaos.Stream(play, rate=700, seconds=40 + 4 * kills)
    fleet = Fleet(play)
    while len(fleet.done) < kills:
        for name in "ab":
            # Mostly both are there; one that is away for longer loses its shards to the other.
            if name not in fleet.running and play.rng.random() < 0.85:
                fleet.start(name)
        # Half of them die while they start: in the group's join, the taking of the id, the reading of the changelog. One in
        # three is at work, however slow the machine is.
        worker = fleet.wait_for_work() if fleet.running and len(fleet.done) % 3 == 2 else None
        time.sleep(play.rng.choice([play.rng.uniform(0, 0.8), play.rng.uniform(0.8, 3)]))
        if fleet.running:
            victim = worker or play.rng.choice(sorted(fleet.running))
            fleet.kill(victim)
            fleet.treat_disk(victim)
    for what in sorted(set(fleet.done)):
        print(f"{fleet.done.count(what)} kills {what}")
    at_work = sum(1 for d in fleet.done if d.startswith("at work"))
    print(f"{len(fleet.done)} kills, {at_work} of them at work")
    if at_work < kills // 4:
        raise AssertionError("too few of them were at work")
    chaos.finish(play, stream=stream)
