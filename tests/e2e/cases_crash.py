"""Ends that nobody wished for, and starts after them. Whatever happens to the process, the committed output and the
state must be those of an undisturbed run."""

import os
import shutil
import time

import topics

KILLS = 20


def _kill_while_loaded(play, after_kill):
    """Starts and kills at random moments while there is input left. Small batches keep it busy;
    their size changes from start to start."""
    at_work = killed = 0
    # Some kills come before the first commit; at least half are to come in the middle of work, on a slow machine too.
    while killed < KILLS:
        before = play.lag()
        daemon = play.start(batch={"max_events": play.rng.choice([10, 30, 80]), "max_time": "20ms"})
        if killed % 2:
            play.wait_lag(before - 1)
            time.sleep(play.rng.uniform(0, 0.6))
        else:
            time.sleep(play.rng.uniform(0.2, 1.6))
        daemon.must_live()
        left = play.lag()
        daemon.kill()
        if left == 0:
            raise AssertionError(f"all input was done before kill {killed + 1}: the test needs more events")
        after_kill(killed)
        at_work += left < before
        killed += 1
    print(f"{killed} kills, {at_work} of them after it had committed something")


def _finish(play, leads):
    """The last start: works off the rest, then a second wave, whose records show that the state is right too."""
    daemon = play.start()
    play.wait_live(daemon)
    play.check(play.wait_quiet())
    play.send(play.second_wave(leads * 3, leads))
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def kills_disk_kept(play):
    """kill -9 at random moments, the store kept: each start catches up from what was behind."""
    play.make_topics()
    play.send(play.traffic(120_000, 1_500))
    _kill_while_loaded(play, lambda number: None)
    _finish(play, 1_500)


def kills_disk_wiped(play):
    """The same, and at random moments the disk is new: all comes back from the changelog."""
    play.make_topics()
    play.send(play.traffic(120_000, 1_500))
    wiped = set(play.rng.sample(range(KILLS), 3))

    def wipe(number):
        if number in wiped:
            shutil.rmtree(play.store())

    print(f"wiping after kills {sorted(wiped)}")
    _kill_while_loaded(play, wipe)
    _finish(play, 1_500)


def two_instances(play):
    """One works, another joins in the middle, the first leaves: shards move with their state, nothing twice. The wall
    clock stays out of it: should the first be done before the second is there, the rest would be late."""
    play.make_topics(partitions=6)
    events = play.traffic(90_000, 1_500)
    play.send(events[:60_000])
    slow = {"batch": {"max_events": 60, "max_time": "20ms"}, "time": {"idle": "300s"}}
    all_of_it = play.lag()
    first = play.start("a", stop=play.rng.choice(["keep", "leave"]), **slow)
    play.wait_lag(all_of_it * 0.85)
    second = play.start("b", **slow)
    play.wait_until(lambda: second.sum("leadstream_shards"), "the second is given no shard")
    before = [daemon.sum("leadstream_events_total") for daemon in (first, second)]
    print(f"as the second has shards {play.lag()} of {all_of_it} records are left; {len(events) - 60_000} more come")
    play.send(events[60_000:])
    play.wait_until(lambda: first.sum("leadstream_events_total") > before[0] and
                    second.sum("leadstream_events_total") > before[1], "one of them does nothing while both are there")
    print(f"the first leaves when {play.lag()} records are left")
    first.end()
    play.wait_quiet()
    second.end()
    _finish(play, 1_500)


def come_and_go(play):
    """Three instances start, stop, leave, are killed and lose their disks as chance has it."""
    play.make_topics(partitions=6)
    play.send(play.traffic(120_000, 1_500))
    running, done = {}, []
    while play.lag() > 0 and len(done) < 40:
        name = play.rng.choice("abc")
        if name not in running:
            if done.count(f"{name} killed") and play.rng.random() < 0.2:
                shutil.rmtree(play.store(name))
                done.append(f"{name} wiped")
            running[name] = play.start(name, batch={"max_events": play.rng.choice([10, 40]), "max_time": "20ms"},
                                       stop=play.rng.choice(["keep", "leave"]), threads=play.rng.choice([1, 2]))
            done.append(f"{name} started")
        elif play.rng.random() < 0.5:
            running.pop(name).kill()
            done.append(f"{name} killed")
        else:
            running.pop(name).end()
            done.append(f"{name} ended")
        for daemon in running.values():
            daemon.must_live()
        time.sleep(play.rng.uniform(0.2, 3))
    print(", ".join(done))
    for daemon in running.values():
        daemon.end()
    _finish(play, 1_500)


def broker_crash(play):
    """A broker of its own is frozen for longer than a transaction may last, killed and started again, while the
    daemon works: it waits, resyncs where it must, and goes on by itself."""
    folder = play.file("broker")
    with play.own_broker(folder, killed=True):
        play.make_topics()
        play.send(play.traffic(40_000, 600))
        daemon = play.start(batch={"max_events": 60, "max_time": "20ms"})
        all_of_it = play.lag()
        play.wait_lag(all_of_it * 0.9)
        topics.kafka("freeze", folder)
        time.sleep(13)
        topics.kafka("thaw", folder)
        play.wait_lag(all_of_it * 0.6)
        topics.kafka("kill", folder)
        time.sleep(play.rng.uniform(0, 3))
        topics.kafka("start", folder)
        play.reconnect()
        play.wait_lag(all_of_it * 0.3)
        counts = daemon.metrics()
        print({k: v for k, v in counts.items() if k.startswith(("leadstream_batches_lost", "leadstream_resyncs"))})
        daemon.end()
        _finish(play, 600)


def restart_current(play):
    """A clean stop leaves a store that needs nothing of the changelog: none of it is read at the next start."""
    play.make_topics()
    play.send(play.traffic(20_000, 300))
    daemon = play.start()
    play.wait_quiet()
    daemon.end()
    daemon = play.start()
    play.wait_live(daemon)
    play.check(play.wait_quiet())
    read = daemon.sum("leadstream_restored_records_total")
    daemon.end()
    if read > 0:
        raise AssertionError(f"{read} changelog records were read though the store was current")
    _finish(play, 300)


def restore_empty(play):
    """The disk is lost between two runs: the changelog gives everything back, timers too."""
    play.make_topics()
    play.send(play.traffic(20_000, 300))
    daemon = play.start()
    play.wait_quiet()
    daemon.end()
    shutil.rmtree(play.store())
    leads = len(play.latest_changelog())
    daemon = play.start()
    play.wait_quiet()
    read = daemon.sum("leadstream_restored_records_total")
    daemon.wait_words("event=restored")  # with which compaction of leads, late until then, goes on
    daemon.end()
    if read < leads:
        raise AssertionError(f"{read} changelog records were read for {leads} leads")
    _finish(play, 300)


def sigterm_loaded(play):
    """SIGTERM in full work: ends within 10 s with 0, several times; nothing lost, nothing twice."""
    play.make_topics()
    play.send(play.traffic(60_000, 800))
    for _ in range(4):
        before = play.lag()
        daemon = play.start(batch={"max_events": 100, "max_time": "20ms"})
        play.wait_lag(before - 1)
        time.sleep(play.rng.uniform(0, 1.0))
        # Its own limit is ten seconds, of a machine that lets it run.
        print(f"ended after {daemon.end(limit=15):.2f} s, lag {play.lag()}")
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)
    if not os.path.isdir(play.store()):
        raise AssertionError("no store directory")
