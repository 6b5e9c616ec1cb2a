"""A world that is slow, away, forbids or lies: what is waited for, what is told, what ends the process, and that all
goes on rightly afterwards (docs/errors.md)."""

import re
import time
import zlib

import avro_bytes
import cases_avro
import topics
from registry_stub import LIES, Registry
from secured import Secured


def _until(good, words, daemon, limit=120):
    end = time.monotonic() + limit
    while not good():
        daemon.must_live()
        if time.monotonic() > end:
            raise AssertionError(f"{words} within {limit} s:\n{daemon.words()[-3000:]}")
        time.sleep(0.2)


# ---------------------------------------------------------------- topics

def input_deleted(play):
    """A source topic is deleted while it is read: a process that lives on, reading nothing, would be the worst. It asks
    for its topics as one who has the rights of a run, and no other."""
    secured = Secured(play)
    play.make_topics()
    play.config["kafka"] = secured.sasl("scorer")
    secured.allow_run("scorer")
    play.send(play.traffic(2_000, 100))
    daemon = play.start()
    play.wait_quiet(still=1.5)
    play.wire.delete_topics([play.topic("events")])
    daemon.refuses(r"event=topic_gone.*code=refused.*the topic was deleted while it was read", codes=(3,))


def output_deleted(play):
    """An output topic is deleted: the next batch cannot be published, and the remedy is named; after it all is there."""
    play.make_topics()
    play.send(play.traffic(1_000, 100))
    daemon = play.start()
    play.wait_quiet(still=1.5)
    play.wire.delete_topics([play.topic("sales-ready")])
    play.send(play.second_wave(2_000, 100))
    words = daemon.refuses(r"code=refused.*--create", codes=(3,))
    if f'where="{play.topic("sales-ready")}"' not in words:
        raise AssertionError(f"the topic is not named: {words[-2000:]}")
    play.daemons.remove(daemon)
    play.command("topics", "-c", play.write_config("setup"), "--create")
    daemon = play.start()
    play.wait_lag(0)
    daemon.end()


# ---------------------------------------------------------------- rights (on the broker of secured.sh)

def rights_missing(play):
    """Each right that a run needs is missed: at once, by name, with exit code 3."""
    secured = Secured(play)
    play.make_topics()
    play.config["kafka"] = secured.sasl("scorer")
    play.send(play.traffic(200, 20))
    missing = [("topic", play.topic("events"), r"code=auth.*READ on inputs"),
               ("topic", play.topic("scores"), r"code=auth.*WRITE on outputs"),
               ("topic", play.changelog(), r"code=auth.*changelog"),
               ("group", play.group(), r"code=auth.*READ on the group"),
               ("transactional-id", play.group() + ".", r"code=auth.*transactional ids")]
    secured.allow_run("scorer")
    for number, (kind, name, words) in enumerate(missing):
        play.wire.forbid("scorer", kind, name)
        play.start(f"m{number}").refuses(words, codes=(3,))
        secured.allow_run("scorer")


def rights_given_back(play):
    """A right that is taken away under a running daemon is waited for: nothing is lost, and it says what is missing."""
    secured = Secured(play)
    play.make_topics()
    play.config["kafka"] = secured.sasl("scorer")
    secured.allow_run("scorer")
    play.send(play.traffic(1_000, 100))
    daemon = play.start()
    sure = play.wait_quiet(still=1.5)
    play.wire.forbid("scorer", "topic", play.topic("scores"))
    play.send(play.second_wave(1_000, 100))
    daemon.wait_words(r"code=auth.*WRITE on outputs")
    _until(lambda: daemon.errors("auth") >= 2, "errors are not counted", daemon)
    _until(lambda: daemon.sum("leadstream_trouble_ms") > 0, "trouble is not measured", daemon)
    secured.allow_run("scorer")
    play.wait_lag(0)
    play.wire.forbid("scorer", "topic", play.topic("events"))
    daemon.wait_words(r"code=auth.*READ on inputs")
    _until(lambda: daemon.sum("leadstream_unread") > 0, "unread partitions are not counted", daemon)
    secured.allow_run("scorer")
    _until(lambda: daemon.sum("leadstream_unread") == 0, "partitions are still not read", daemon)
    play.wait_quiet(still=1.5)
    play.check(sure)
    daemon.end()


def login_taken_away(play):
    """A password is changed under a running daemon: the broker ends its connections in time (connections.max.reauth.ms,
    which librdkafka 2.0.2 answers by connecting again) and does not let it in; then the password is what it was."""
    secured = Secured(play)
    mechanism = "SCRAM-SHA-512"
    play.make_topics()
    play.config["kafka"] = secured.sasl("admin", mechanism)
    play.send(play.traffic(1_000, 100))
    daemon = play.start()
    sure = play.wait_quiet(still=1.5)
    began = len(daemon.words())
    time.sleep(7) # more than one connections.max.reauth.ms
    if "code=auth" in daemon.words()[began:] or daemon.errors("auth"):
        raise AssertionError(f"an ended connection is taken for more: {daemon.words()[began:]}")

    def password(text):
        topics.tool("configs", "--bootstrap-server", play.bootstrap, "--alter", "--entity-type", "users",
                    "--entity-name", "admin", "--add-config", f"{mechanism}=[password={text}]")

    try:
        password("another-password")
        daemon.wait_words(r"code=auth.*sasl\.password")
        play.send(play.second_wave(500, 100))
    finally:
        password(secured.password("admin"))
    play.wait_lag(0)
    play.wait_quiet(still=1.5)
    play.check(sure)
    daemon.end()


# ---------------------------------------------------------------- the broker is away

def broker_comes_back(play):
    """A broker that is away for a while: few lines, which say for how long, and little work; then all goes on."""
    with play.own_broker(play.file("broker")):
        play.make_topics()
        play.send(play.traffic(1_000, 100))
        daemon = play.start()
        sure = play.wait_quiet(still=1.5)
        began, worked, before = len(daemon.words()), daemon.cpu_seconds(), time.monotonic()
        topics.kafka("stop", play.file("broker"))
        time.sleep(14)
        daemon.must_live()
        worked, took = daemon.cpu_seconds() - worked, time.monotonic() - before
        print(f"{worked} CPU seconds in {took:.1f} s, most of them without a broker")
        if worked > 0.1 * took:
            raise AssertionError(f"{worked} CPU seconds in {took:.1f} s without a broker")
        words = daemon.words()[began:]
        if len(words.splitlines()) > 2 * took:
            raise AssertionError(f"{len(words.splitlines())} lines in {took:.1f} s: {words[:5000]}")
        topics.kafka("start", play.file("broker"))
        play.reconnect()
        play.send(play.second_wave(1_000, 100))
        play.wait_quiet(still=1.5)
        play.check(sure)
        daemon.end()


# ---------------------------------------------------------------- the registry

def _avro_play(play, registry):
    play.config["registry"] = {"url": registry.url}
    play.config["sources"] = [{"topic": play.topic("events"), "format": "avro", "event": cases_avro.MAPPING}]
    play.make_topics()
    subject = f"{play.topic('events')}-value"
    first = registry.register(subject, cases_avro.WEBHOOK)
    schemas = {number: avro_bytes.plain(text) for number, text in
               ((first, cases_avro.WEBHOOK), (first + 1, cases_avro.WEBHOOK_2))}

    def encode(number, event):
        value = cases_avro._webhook(event)
        if number == first:
            del value["tenant"]
        return avro_bytes.confluent(number, schemas[number], value)

    return first, encode


def registry_lies(play):
    """A registry that answers rubbish while a new schema comes: its shard waits, the others go on, nothing becomes a
    dead letter; and when it is itself again all is scored."""
    registry = Registry()
    try:
        first, encode = _avro_play(play, registry)
        play.send(play.traffic(1_000, 100), encode=lambda e: encode(first, e))
        daemon = play.start()
        sure = play.wait_quiet(still=1.5)
        registry.register(f"{play.topic('events')}-value", cases_avro.WEBHOOK_2)
        lies = list(LIES.items())
        play.rng.shuffle(lies)
        told = []

        def lie(handler):
            told.append(lies[len(told) % len(lies)][0])
            dict(lies)[told[-1]](handler)

        registry.lie = lie
        wave = play.second_wave(2_000, 100)
        waits = [n for n in range(play.partitions) if n == zlib.crc32(play.prefix.encode()) % play.partitions]
        play.send(wave, encode=lambda e: encode(
            first + (topics.partition_of(e["lead"], play.partitions) in waits), e))
        theirs = sum(topics.partition_of(e["lead"], play.partitions) in waits for e in wave)
        _until(lambda: play.lag() <= theirs, "the other shards do not go on", daemon)
        _until(lambda: daemon.sum("leadstream_schema_waits") == len(waits), "waits are not counted", daemon)
        _until(lambda: len(told) >= 4 and daemon.errors("unavailable") + daemon.errors("timeout") >= 2,
               "errors are not counted", daemon)
        for kind in LIES: # each on its own too, for a moment
            registry.lie = LIES[kind]
            time.sleep(0.3)
        if play.lag() != theirs:
            raise AssertionError(f"{theirs} records should wait, {play.lag()} do (told: {told})")
        registry.lie = None
        play.wait_quiet(still=1.5)
        if topics.read(play.bootstrap, play.topic("dead-letters")):
            raise AssertionError(f"records became dead letters (told: {told})")
        _until(lambda: not daemon.sum("leadstream_schema_waits"), "partitions still wait", daemon)
        play.check(sure)
        daemon.end()
    finally:
        registry.close()


def registry_says_no(play):
    """What the registry does not know, or what cannot be used, becomes a dead letter that says so; the rest goes on."""
    registry = Registry()
    try:
        first, encode = _avro_play(play, registry)
        events = play.traffic(400, 50)
        records = [(e["lead"].encode(), encode(first, e)) for e in events]
        subject = f"{play.topic('events')}-value"
        bad = {99: r"no such schema.*not found"}
        for text, words in (('{"type":"record","name":"Empty","fields":[]}', r"lead|contact"),
                            ('{"type":"record","name":"Webhook","fields":[{"name":"contact","type":"unheard.of"}]}',
                             r"unheard"),
                            ('{"type":"strange"}', r"strange")):
            bad[registry.register(subject, text)] = words
        key = events[0]["lead"].encode()
        for number in bad:
            records.insert(len(records) // 2, (key, b"\0" + number.to_bytes(4, "big") + b"whatever"))
        topics.produce(play.bootstrap, play.topic("events"), records)
        play.sent[play.topic("events")] = events
        daemon = play.start()
        sure = play.wait_quiet(still=1.5)
        letters = [headers for _, _, headers in topics.read_headers(play.bootstrap, play.topic("dead-letters"))]
        if sorted(int(h["schema-id"]) for h in letters) != sorted(bad) or {h["code"] for h in letters} != {"schema"}:
            raise AssertionError(f"dead letters: {letters}")

        for headers in letters:
            if not re.search(bad[int(headers["schema-id"])], headers["words"], re.I):
                raise AssertionError(f"schema {headers['schema-id']}: {headers['words']}")
        if daemon.errors("schema") != len(bad):
            raise AssertionError("dead letters are not counted by code")
        print([h["words"] for h in letters])
        play.check(sure)
        daemon.end()
    finally:
        registry.close()


def registry_away_at_start(play):
    """A registry that is away: a start says what it waits for, waits 20 s, and ends with 3; one that comes in time is
    enough."""
    registry = Registry()
    registry.close()
    play.config["registry"] = {"url": registry.url}
    play.config["outputs"]["format"] = "avro"
    play.make_topics()
    began = time.monotonic()
    words = play.start().refuses(r"event=registry_awaited.*code=unavailable", codes=(3,))
    if not 2 <= words.count("event=registry_awaited") <= 8:
        raise AssertionError(f"it says {words.count('event=registry_awaited')} times that it waits")
    if not 15 < time.monotonic() - began < 120:
        raise AssertionError(f"it waited {time.monotonic() - began:.0f} s")
