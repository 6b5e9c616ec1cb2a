"""Where the right answer is to stop: it stops with a message that names cause and remedy, touches nothing, and after the
remedy it goes on with nothing lost and nothing twice."""

import signal

import chaos


def _scored(play, count=2_000, **changes):
    """A run that has state, and goes on."""
    play.make_topics()
    play.send(play.traffic(count, 100))
    daemon = play.start(**changes)
    play.wait_quiet(still=1.5)
    return daemon


def _stops(play, daemon, pattern):
    """It ends with 3 and says why; then it is no more of the test's business."""
    words = daemon.refuses(pattern, codes=(3,))
    play.daemons.remove(daemon)
    return words


def _next_generation(play, **changes):
    """The remedy of many refusals: the same sources read from their start into a new state, with outputs of its own."""
    number = int(play.config.get("generation", "g1")[1:]) + 1
    play.config["generation"] = f"g{number}"
    play.rename_outputs(f"g{number}-")
    play.command("topics", "-c", play.write_config("setup"), "--create")
    daemon = play.start(**changes)
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def disk_full(play):
    """The store's disk fills up under load: it ends and says so, says so again while there is no room, and goes on when
    there is."""
    disk = chaos.SmallDisk(play.store(), "24m")
    try:
        play.make_topics()
        stream = chaos.Stream(play)
        changes = {"before": disk.enter, "store": {"path": play.store(), "memory": "64MiB", "lag": "100ms"}}
        daemon = play.start(batch=chaos.BUSY, time=chaos.LIVE, **changes)
        chaos.progress(play, [daemon])
        disk.fill()
        full = r"code=disk.*the disk is full: make room and start again; nothing is lost"
        _stops(play, daemon, full)
        disk.fill()     # its end has made some room
        # It may take events before it comes to that: by their time, as the one before.
        _stops(play, play.start(batch=chaos.BUSY, time=chaos.LIVE, **changes), full)
        disk.clear()
        chaos.finish(play, stream=stream, **changes)
    finally:
        play.close()
        disk.close()


def ulimits(play):
    """A file that may not grow, too few open files: not a signal's death but words; then on."""
    play.make_topics()
    stream = chaos.Stream(play)
    changes = {"store": {"path": play.store(), "memory": "64MiB", "lag": "100ms"}, "time": chaos.LIVE}
    daemon = play.start(before=["prlimit", "--fsize=200000"], **changes)
    _stops(play, daemon, r"code=disk.*a file may not grow further \(ulimit -f")
    limited = play.start(before=["prlimit", "--nofile=100"], **changes)
    _stops(play, limited, r"too many open files would be needed: \d+, where 100 are allowed.*ulimit -n")
    chaos.finish(play, stream=stream)


def input_grown(play):
    """A source topic gets more partitions while it runs, then the other too: leads would move between shards."""
    play.config["sources"] = [{"topic": play.topic(n), "format": "json"} for n in ("events", "more")]
    play.config["kafka"]["topic.metadata.refresh.interval.ms"] = 1000
    events = play.traffic(3_000, 100)
    play.make_topics()
    play.send(events[::2])
    play.send(events[1::2], play.topic("more"))
    daemon = play.start(stop="leave")
    play.check(play.wait_quiet())
    play.wire.grow_topic(play.topic("more"), 6)
    for one in (daemon, play.start("b")):
        words = _stops(play, one, r"partitions")
        if play.topic("more") not in words:
            raise AssertionError(f"the topic is not named: {words}")
    play.wire.grow_topic(play.topic("events"), 6)
    _stops(play, play.start("c"), r"changelog.*has 4 partitions, but the sources have 6.*generation.*copy")
    # The remedy: topics with as many partitions, filled in the order of the events.
    play.sent = {}
    play.config["sources"] = [{"topic": play.topic(n), "format": "json"} for n in ("events-6", "more-6")]
    play.partitions = 6
    play.wire.create_topics({name: (6, {}) for name in play.sources()})
    play.send(events[::2], play.topic("events-6"))
    play.send(events[1::2], play.topic("more-6"))
    _next_generation(play)


def changelog_grown(play):
    """The changelog gets more partitions than the sources have."""
    _scored(play).end()
    play.wire.grow_topic(play.changelog(), 6)
    _stops(play, play.start(), r"changelog.*has 6 partitions, but the sources have 4: use a new `generation:`")
    _next_generation(play)


def _remake(play, events):
    """Deletes the source topic and makes it again, with these events in it."""
    play.sent = {}
    play.wire.delete_topics([play.topic("events")])
    play.wire.create_topics({play.topic("events"): (play.partitions, {})})
    play.send(events)


def input_remade(play):
    """A source topic is deleted and made again, longer than it was, before a start and under a running daemon: offsets
    that fit by chance are not taken for the old ones."""
    _scored(play, stop="leave").end()
    events = play.traffic(4_000, 100)
    _remake(play, events)
    play.wait_until(lambda: not play.wire.committed(play.group()), "the broker did not forget the offsets of the old topic")
    _stops(play, play.start(), r"committed offset is -1.*topic was deleted and made again, use a new `generation:`")
    _next_generation(play)
    daemon = play.start()
    play.wait_live(daemon)
    _remake(play, events[:1_000])
    _stops(play, daemon, r"made a(gain|new).*new `generation:`")
    _next_generation(play)


def changelog_remade_running(play):
    """The changelog is deleted and made again under a running daemon."""
    daemon = _scored(play)
    play.wire.delete_topics([play.changelog()])
    play.command("topics", "-c", play.write_config("setup"), "--create")
    play.send(play.second_wave(200, 100))
    _stops(play, daemon, r"the topic was deleted and made again.*new `generation:`")
    _stops(play, play.start(), r"changelog.*new `generation:`")
    _next_generation(play)


def expired_running(play):
    """Retention takes records that a running daemon has not read yet: it does not pass over the gap in silence."""
    play.config["kafka"] |= chaos.SHORT
    daemon = _scored(play)
    daemon.process.send_signal(signal.SIGSTOP)
    play.send([dict(e, id=e["id"] + "-unread") for e in play.traffic(4_000, 100)])
    play.wire.delete_records(play.topic("events"), [-1] * play.partitions)
    daemon.process.send_signal(signal.SIGCONT)
    left = play.second_wave(200, 100)
    play.send(left)
    _stops(play, daemon, r"retention.*new `generation:`")
    _stops(play, play.start(), r"is to be read next but the topic begins at.*new `generation:`")
    play.sent = {play.topic("events"): left}
    _next_generation(play)
