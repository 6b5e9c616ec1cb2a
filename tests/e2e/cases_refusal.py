"""States that do not belong together are refused with words that name the remedy; nothing is deleted or guessed."""

import json
import os
import re
import time

import topics
import traffic


def _scored(play, count=2_000):
    """A run that has state: topics, store, committed offsets. It leaves its seat, so that the group is empty."""
    play.make_topics()
    play.send(play.traffic(count, 100))
    daemon = play.start(stop="leave")
    play.wait_quiet(still=1.5)
    daemon.end()


def unequal_partitions(play):
    play.config["sources"] = [{"topic": play.topic("events"), "format": "json"},
                              {"topic": play.topic("more"), "format": "json"}]
    play.make_topics(partitions=4)
    play.wire.delete_topics([play.topic("more")])
    play.wire.create_topics({play.topic("more"): (3, {})})
    words = play.start().refuses(r"partitions")
    if play.topic("more") not in words or play.topic("events") not in words:
        raise AssertionError(f"the topics are not named: {words}")
    play.wire.delete_topics([play.topic("scores")])
    done = play.command("topics", "-c", play.write_config("setup"), "--create", codes=(1,))
    if b"nothing is made" not in done.stderr or play.topic("scores") in play.wire.partitions():
        raise AssertionError(f"topics were made to fit one of two sources: {done.stderr}")


def missing_topics(play):
    """Nothing exists: the names that are missing, and the command that makes them."""
    words = play.start().refuses(r"topics.*--create")
    for topic in (play.topic("events"), play.topic("scores"), play.changelog()):
        if topic not in words:
            raise AssertionError(f"{topic} is not named: {words}")


def other_model(play):
    """A model that remembers otherwise needs a new generation."""
    _scored(play)
    with open(play.model, encoding="utf-8") as file:
        text = file.read()
    with open(play.model, "w", encoding="utf-8") as file:
        file.write(text.replace("half_life: 2d", "half_life: 3d"))
    play.start().refuses(r"generation")


def topic_recreated(play):
    """The changelog was deleted and made again, by now longer than it was: another birth record."""
    _scored(play)
    old = topics.read(play.bootstrap, play.changelog())
    if {r.partition for r in old if r.key[:1] == b"B" and r.offset == 0} != set(range(play.partitions)):
        raise AssertionError("a changelog partition does not begin with a birth record")
    play.wire.delete_topics([play.changelog()])
    play.command("topics", "-c", play.write_config("setup"), "--create")
    for partition in range(play.partitions):
        records = [(b"B", play.rng.randbytes(16))] + [(b"Lsomeone", b"")] * len(old)
        topics.produce(play.bootstrap, play.changelog(), records, partition=partition)
    play.start().refuses(r"changelog.*(another|deleted|made again)")
    if not os.path.isdir(play.store()):
        raise AssertionError("the store is gone")


def store_ahead(play):
    """The changelog lost its end (an unclean election): it begins alike, but the store knows more."""
    _scored(play)
    records = topics.read(play.bootstrap, play.changelog())
    play.wire.delete_topics([play.changelog()])
    play.command("topics", "-c", play.write_config("setup"), "--create")
    for partition in range(play.partitions):
        own = [r for r in records if r.partition == partition][:20]
        topics.produce(play.bootstrap, play.changelog(), [(r.key, r.value) for r in own if r.value is not None],
                       partition=partition)
    words = play.start().refuses(r"store")
    if not re.search(r"ahead|newer", words):
        raise AssertionError(f"it does not say that the store is ahead: {words}")


def _change_group(play, arguments, changed):
    """By Kafka's own tool, which does nothing while a seat is still taken."""
    end = time.monotonic() + 90
    while True:
        said = topics.tool("groups", "--bootstrap-server", play.bootstrap, *arguments)
        if changed():
            return
        if time.monotonic() > end:
            raise AssertionError(f"the group was not changed: {said}")


def offsets_lost(play):
    """The group's offsets were deleted: never a silent start from somewhere."""
    _scored(play)
    _change_group(play, ["--delete", "--group", play.group()], lambda: not play.wire.committed(play.group()))
    play.start().refuses(r"offset")


def offsets_moved(play):
    """Someone reset the group's offsets: they no longer agree with the shard records."""
    _scored(play)
    _change_group(play, ["--group", play.group(), "--topic", play.topic("events"), "--reset-offsets", "--to-earliest",
                         "--execute"], lambda: not any(play.wire.committed(play.group()).values()))
    play.start().refuses(r"offset")


def input_recreated(play):
    """A source topic was deleted and made again: the committed offsets point past its end."""
    _scored(play)
    play.wire.delete_topics([play.topic("events")])
    play.wire.create_topics({play.topic("events"): (play.partitions, {})})
    topics.produce(play.bootstrap, play.topic("events"),
                   [(e["lead"].encode(), traffic.line(e).encode()) for e in play.traffic(100, 50)])
    play.start().refuses(r"offset")


def input_expired(play):
    """Records were deleted from a source topic before they were read: a gap is not passed over in silence."""
    _scored(play)
    events = [dict(e, id=e["id"] + "-more") for e in play.traffic(1_000, 100)]
    play.send(events)
    low = {"version": 1, "partitions": [{"topic": play.topic("events"), "partition": p, "offset": -1}
                                        for p in range(play.partitions)]}
    with open(play.file("delete.json"), "w", encoding="utf-8") as file:
        json.dump(low, file)
    topics.tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", play.bootstrap,
                "--offset-json-file", play.file("delete.json"))
    play.start().refuses(r"offset")


def broker_away(play):
    """No broker at all: exit 3 and its address, not a silent wait for ever."""
    config = dict(play.config["kafka"], **{"bootstrap.servers": "127.0.0.1:9"})
    play.start(kafka=config).refuses(r"127\.0\.0\.1:9", codes=(3,))


def store_in_use(play):
    """Two daemons on one store directory: the second is refused, the first goes on."""
    play.make_topics()
    play.send(play.traffic(500, 50))
    first = play.start("a")
    play.wait_quiet(still=1.5)
    play.start("b", store={"path": play.store("a"), "memory": "64MiB"}).refuses(r"store|lock")
    first.must_live()
    first.end()


def same_instance(play):
    """Two processes by one name: the elder is fenced and says so; it must not live on, reading nothing."""
    play.make_topics()
    play.send(play.traffic(2_000, 100))
    elder = play.start("a")
    play.wait_quiet()
    younger = play.start("b", instance="a")
    elder.refuses(r"code=fenced.*same `instance`", codes=(3,))
    play.daemons.remove(elder)
    play.send(play.second_wave(500, 100))
    play.wait_quiet()
    younger.end()
