"""What goes in and what comes out: formats, time, dead letters, erasures."""

import json
import time

import compare
import topics
import traffic


def json_flow(play):
    """JSON in, JSON out; the input is there before the start. Two clients read the output alike."""
    play.make_topics()
    play.send(play.traffic(20_000, 400))
    daemon = play.start()
    sure = play.wait_quiet()
    took = daemon.end()
    print(f"ended {took:.1f} s after SIGTERM")
    play.check(sure)
    by_kcat = topics.read(play.bootstrap, play.topic("scores"))
    by_java = topics.read_with_java(play.bootstrap, play.topic("scores"), len(by_kcat))
    if sorted(by_java) != sorted((r.key.decode(), r.value.decode()) for r in by_kcat):
        raise compare.Difference("Kafka's console consumer reads other records than kcat")


def live_flow(play):
    """Events come while it runs, in bursts, none late (the wall clock takes over only at the next start); one thread."""
    play.make_topics()
    events = play.traffic(6_000, 200)
    daemon = play.start(threads=1, time={"idle": "300s"})
    for begin in range(0, len(events), 500):
        play.send(events[begin:begin + 500])
        time.sleep(play.rng.uniform(0, 0.3))
    play.wait_quiet(still=1)
    if daemon.sum("leadstream_late_total"):
        raise AssertionError("events were late")
    daemon.end()
    daemon = play.start(threads=1)
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def several_sources(play):
    """Events of one lead on several topics: taken by (time, topic), whatever the order of fetching; one topic has a
    mapping of its own."""
    names = ["crm", "email", "form", "meeting", "web"]
    mapping = {"lead": "contact.id", "id": "eventId", "time": {"path": "occurredAt", "unit": "ms"},
               "type": {"path": "kind", "map": {"visit": "web.page_viewed", "load": "web.downloaded",
                                                "search": "web.searched"}},
               "fields": {"url": "link.href"}}
    play.config["sources"] = [{"topic": play.topic(n), "format": "json"} for n in names]
    play.config["sources"][-1]["event"] = mapping
    play.make_topics(partitions=3)
    kinds = {"web.page_viewed": "visit", "web.downloaded": "load", "web.searched": "search"}

    def webhook(event):
        return json.dumps({"contact": {"id": event["lead"]}, "eventId": event["id"], "kind": kinds[event["type"]],
                           "occurredAt": traffic.parse_stamp(event["time"]),
                           "link": {"href": event["fields"]["url"]}}).encode()

    events = play.traffic(12_000, 300)
    for name in names:
        own = [e for e in events if traffic.topic_of(e) == name]
        play.send(own, play.topic(name), webhook if name == "web" else None)
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def late_backlog(play):
    """Events up to two days late, all on the topic before the start."""
    play.make_topics()
    play.send(play.traffic(8_000, 200, late=0.05))
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def timers_idle(play):
    """A lead goes cold with no event: its timers fire by the wall clock, at their own instants, while the daemon
    only waits; and once more after a restart."""
    play.make_topics(partitions=2)
    now = int(time.time() * 1000)
    # The pricing rule halves in a day: 10 pages a day ago fade through several thresholds by now and soon after.
    events = [{"lead": f"cooling-{n}", "id": f"c-{n}-{i}", "type": "web.page_viewed",
               "time": traffic.stamp(now - traffic.DAY + n * 7_001 + i * 1_000),
               "fields": {"url": "https://acme.example/pricing"}} for n in range(40) for i in range(10)]
    events.sort(key=lambda e: e["time"])
    play.send(events)
    daemon = play.start()
    play.wait_quiet()
    daemon.end()
    daemon = play.start()
    play.wait_live(daemon)
    time.sleep(20)
    sure = play.wait_quiet(still=1)
    daemon.end()
    play.check(sure)
    if not any(r["trigger"] == "time" for r in play.got()):
        raise compare.Difference("no record was published by time")


def dead_letters(play):
    """Bad records are neither lost nor in the way: bytes, key and partition as they came, with the reason."""
    play.make_topics()
    now = int(time.time() * 1000)
    good = play.traffic(500, 50)
    ahead = {"lead": "bad-5", "id": "f", "type": "web.searched", "time": traffic.stamp(now + 2 * traffic.DAY)}
    bad = {
        "malformed": (b"bad-1", b"{\"lead\":\"bad-1\"," + b" " * 1_040_000),  # a topic takes it, so it is not cut
        "missing": (b"bad-2", b"{\"lead\":\"bad-2\",\"id\":\"x\",\"type\":\"web.searched\"}"),
        "invalid": (b"bad-3", b"{\"lead\":\"bad-3\",\"id\":\"x\",\"type\":\"web.searched\",\"time\":\"yesterday\"}"),
        "too-large": (b"bad-4", json.dumps({"lead": "bad-4", "id": "x", "type": "web.searched", "time": now,
                                            "fields": {"q": "x" * 9000}}).encode()),
        "future": (b"bad-5", traffic.line(ahead).encode()),
    }
    play.send(good[:250])
    topics.produce(play.bootstrap, play.topic("events"), list(bad.values()))
    elsewhere = dict(good[0], lead="lead-misplaced")
    wrong = (topics.partition_of("lead-misplaced", 4) + 1) % 4
    bad["misplaced"] = (b"lead-misplaced", traffic.line(elsewhere).encode())
    topics.produce(play.bootstrap, play.topic("events"), [bad["misplaced"]], partition=wrong)
    play.send(good[250:])
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)

    letters = topics.read(play.bootstrap, play.topic("dead-letters"))
    headers = {(p, o): h for p, o, h in topics.read_headers(play.bootstrap, play.topic("dead-letters"))}
    source = {(r.partition, r.offset): r for r in topics.read(play.bootstrap, play.topic("events"))}
    found = {}
    for letter in letters:
        head = headers[letter.partition, letter.offset]
        origin = source[int(head["partition"]), int(head["offset"])]
        if (letter.key, letter.value, letter.partition) != (origin.key, origin.value, origin.partition):
            raise compare.Difference(f"a dead letter is not the record it came from: {letter}, {origin}")
        if head["group"] != play.group() or head["topic"] != play.topic("events") or int(head["timestamp"]) != origin.timestamp or not head["words"]:
            raise compare.Difference(f"headers {head} do not tell of {origin}")
        found[head["code"]] = (letter.key, letter.value)
    if found != bad:
        raise compare.Difference(f"dead letters of {sorted(found)}, expected {sorted(bad)}")


def erase(play):
    """A lead erased leaves an `erased` record, a tombstone behind its scores, nothing in the changelog but a hash;
    an older event of it that comes later is dropped, a newer one begins a new lead."""
    play.make_topics()
    events = play.traffic(2_000, 40)
    middle = len(events) // 2
    when = traffic.parse_stamp(events[middle]["time"])
    gone = [f"lead-{n}" for n in range(0, 40, 4)] + ["never-seen"]
    for number, lead in enumerate(gone):
        events.append({"lead": lead, "id": f"erase-{number}", "type": "privacy.erased",
                       "time": traffic.stamp(when + number)})
    last = max(traffic.parse_stamp(e["time"]) for e in events)
    # Some leads never come back; of the others newer events begin anew.
    silent = set(gone[::2])
    events = [e for e in events if not (e["lead"] in silent and traffic.parse_stamp(e["time"]) > when + 100)]
    events.sort(key=lambda e: e["time"])
    old = {"lead": "lead-0", "id": "old", "type": "web.page_viewed", "time": traffic.stamp(when - 5), "fields":
           {"url": "/pricing"}}
    play.send(events)
    play.send([old])
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)
    print(f"last event {traffic.stamp(last)}, erased at {traffic.stamp(when)}")

    scores = topics.read(play.bootstrap, play.topic("scores"))
    for lead in gone:
        own = [r for r in scores if r.key == lead.encode()]
        at = [n for n, r in enumerate(own) if r.value and play.decode(r.value)["kind"] == "erased"]
        if len(at) != 1 or at[0] + 1 >= len(own) or own[at[0] + 1].value is not None:
            raise compare.Difference(f"{lead}: no single erased record with a tombstone behind it")
    changelog = topics.read(play.bootstrap, play.changelog())
    for lead in silent - {"never-seen"}:
        own = [r for r in changelog if r.key == b"L" + lead.encode()]
        if not own or own[-1].value is not None:
            raise compare.Difference(f"{lead}: its last changelog record is no tombstone")
    hashes = [r for r in changelog if r.key[:1] == b"E"]
    if len(hashes) < len(gone) or any(lead.encode() in r.key for r in hashes for lead in gone):
        raise compare.Difference(f"{len(hashes)} erasure hashes for {len(gone)} erased leads")
