"""Dead letters sent back: each once, whatever happens; as they came; in their order; and the leads score right after.
Kafka's side is told by kcat and Kafka's own tools, the scores by `leadstream score` over all events."""

import collections
import contextlib
import json
import subprocess
import tempfile
import time

import avro_bytes
import compare
import topics
import traffic
from registry_stub import Registry

SENT = "leadstream-redriven"
TRACING = [("traceparent", "00-4bf92f3577b34da6-01"), ("topic", "not-ours"), ("traceparent", "00-again-01")]
SCHEMA = json.dumps({"type": "record", "name": "Hook", "fields": [
    {"name": "lead", "type": "string"}, {"name": "id", "type": "string"}, {"name": "type", "type": "string"},
    {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}}]})
PATHS = {"lead": "lead", "id": "id", "type": "type", "time": "time"}


def _redrive(play, *arguments, codes=(0,), config="a"):
    return play.command("redrive", "-c", play.file(f"config-{config}.yaml"), *arguments, codes=codes)


def _letters(play, *arguments):
    """What a dry run says, as values."""
    done = _redrive(play, "--output", "jsonl", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _states(play, *arguments):
    return collections.Counter((letter["code"], letter["state"]) for letter in _letters(play, *arguments))


def _expect(what, wanted, got):
    if wanted != got:
        raise compare.Difference(f"{what}: expected {wanted}, got {got}")


def _ends(play):
    return {topic: play.wire.ends(topic, play.partitions) for topic in (*play.sources(), play.topic("dead-letters"))}


def _settled(play):
    """The same once no transaction is open: a broker writes its markers after it has said that all is well, and a reader
    of what is committed does not see what is before them."""
    play.settle(*play.sources(), play.topic("dead-letters"))
    return _ends(play)


def _copies(play, topic):
    """{(key, value, timestamp): [(partition, offset)]} of the records that were sent back, and their headers."""
    _settled(play)
    headers = topics.read_header_lists(play.bootstrap, topic)
    found = collections.defaultdict(list)
    for record in topics.read(play.bootstrap, topic):
        own = headers[record.partition, record.offset]
        if SENT in dict(own):
            found[record.key, record.value, record.timestamp].append((record.partition, record.offset))
    return found, headers


def _run_daemon(play):
    daemon = play.start(stop="leave", threads=1)
    play.wait_quiet(still=1.5, markers=play.partitions * len(play.sources()))
    daemon.end()


def _scores_are_right(play, events):
    """What the store remembers of these leads scores as `score` does over all their events, at one instant; not stage
    and route, in which the order has a say. `events` counts what was taken: nothing is lost, nothing twice."""
    at = traffic.stamp(int(time.time() * 1000) + 600_000)
    path = play.file("all.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(traffic.line(e) + "\n" for e in sorted(events, key=lambda e: e["time"]))
    done = play.command("score", "-m", play.model, "--at", at, "--output", "jsonl", path)
    expected = {line["lead"]: line for line in map(compare.parse, done.stdout.splitlines())}
    leads = sorted({e["lead"] for e in events})
    _expect("leads", leads, sorted(expected))
    for lead in leads:
        done = play.command("inspect", lead, "-c", play.file("config-a.yaml"), "--at", at, "--output", "jsonl")
        got = compare.parse(done.stdout.decode())
        for name in ("total", "engagement", "fit", "groups", "events"):
            _expect(f"{name} of {lead}", expected[lead][name], got[name])
    print(f"{len(leads)} leads score as they should")


def redrive_kinds(play):
    """Letters of an unknown schema, misplaced, entries of arrays and malformed ones; with headers of their own. The
    schema is registered, and they go back, a kind at a time; what cannot be mended comes back, three times at most."""
    registry = Registry()
    try:
        _redrive_kinds(play, registry)
    finally:
        registry.close()


def _make_letters(play):
    """Produces good events and bad records. Returns all events, and those that come in letters, by kind."""
    begin = int(time.time() * 1000) - 5 * traffic.DAY
    events = traffic.events(play.seed, 300, 12, begin, 2 * traffic.DAY, duplicates=0)
    kinds = {"schema": [], "misplaced": [], "entry": []}
    good = []
    for number, event in enumerate(events):
        kind = ("schema", "misplaced", "entry", None)[number % 4]
        if kind == "schema":
            event["fields"] = {}
            event.pop("machine", None)
        (kinds[kind] if kind else good).append(event)
    play.send(good)
    plain = avro_bytes.plain(SCHEMA)
    hooks = [(e["lead"].encode(), avro_bytes.confluent(1, plain, {
        "lead": e["lead"], "id": e["id"], "type": e["type"], "time": traffic.parse_stamp(e["time"])}))
        for e in kinds["schema"]]
    topics.produce(play.bootstrap, play.topic("hooks"), hooks, headers=TRACING)
    for event in kinds["misplaced"]:
        wrong = (topics.partition_of(event["lead"], 4) + 1 + len(event["id"]) % 3) % 4
        topics.produce(play.bootstrap, play.topic("events"), [(event["lead"].encode(), traffic.line(event).encode())],
                       partition=wrong, headers=TRACING[:1])
    # An array of three: its middle one is another lead's, and misplaced wherever its key puts it.
    for event in kinds["entry"]:
        home = topics.partition_of(event["lead"], 4)
        other = next(f"first-{n}" for n in range(99) if topics.partition_of(f"first-{n}", 4) == (home + 1) % 4)
        array = [dict(event, lead=other, id=event["id"] + "-before"), event,
                 dict(event, lead=other, id=event["id"] + "-after")]
        text = " [ " + " , ".join(traffic.line(e) for e in array) + "]"
        topics.produce(play.bootstrap, play.topic("events"), [(other.encode(), text.encode())])
        good += [array[0], array[2]]
    topics.produce(play.bootstrap, play.topic("events"), [(b"broken", b"{\"lead\":"), (b"broken", b"\xff\xfe")])
    return good + sum(kinds.values(), []), kinds


def _redrive_kinds(play, registry):
    play.config["registry"] = {"url": registry.url}
    play.config["sources"] = [{"topic": play.topic("events"), "format": "json"},
                              {"topic": play.topic("hooks"), "format": "avro", "event": PATHS}]
    play.make_topics()
    events, kinds = _make_letters(play)
    n = {kind: len(some) for kind, some in kinds.items()}
    _run_daemon(play)

    before = _ends(play)
    states = _states(play)
    _expect("dry run", {("schema", "to-send"): n["schema"], ("misplaced", "to-send"): n["misplaced"] + n["entry"],
                        ("malformed", "to-send"): 2}, states)
    table = _redrive(play).stdout.decode()
    print(table)
    for word in ("schema", "misplaced", "malformed", play.topic("hooks"), f"{sum(states.values())} to be sent back"):
        if word not in table:
            raise compare.Difference(f"{word} is not in the table:\n{table}")
    _expect("a dry run writes nothing", before, _ends(play))
    _expect("--lead", {("misplaced", "to-send")}, set(_states(play, "--lead", kinds["misplaced"][0]["lead"],
                                                              "--topic", play.topic("events"))))
    _expect("--words", {("malformed", "to-send"): 1}, _states(play, "--words", "UTF-8"))

    _expect("id of the schema", 1, registry.register(f"{play.topic('hooks')}-value", SCHEMA))
    # Letters of one lead from among the others': the receipt must not reach over those that stay.
    lead = kinds["misplaced"][0]["lead"]
    _redrive(play, "--code", "misplaced", "--lead", lead, "--send")
    states = collections.Counter((letter["lead"] == lead, letter["state"]) for letter in
                                 _letters(play, "--code", "misplaced"))
    _expect("letters of one lead", {(True, "sent"), (False, "to-send")}, set(states))
    for code in ("schema", "misplaced"):
        _redrive(play, "--code", code, "--send")
        sent = _settled(play)
        _redrive(play, "--code", code, "--send")
        _expect(f"{code} a second time", sent, _ends(play))
    copies, headers = _copies(play, play.topic("hooks"))
    source = [r for r in topics.read(play.bootstrap, play.topic("hooks")) if SENT not in
              dict(headers[r.partition, r.offset])]
    _expect("copies of hooks", {(r.key, r.value, r.timestamp): 1 for r in source},
            {key: len(places) for key, places in copies.items()})
    for places in copies.values():
        _expect("headers", TRACING + [(SENT, "1")], headers[places[0]])
    copies, _ = _copies(play, play.topic("events"))
    _expect("copies of events", n["misplaced"] + n["entry"], len(copies))
    for (_, value, _), places in copies.items():
        event = json.loads(value)
        _expect("partition", [topics.partition_of(event["lead"], 4)], [p for p, _ in places])
    _run_daemon(play)
    _scores_are_right(play, events)
    _come_back(play)


def _come_back(play):
    """What is not mended comes back and is told apart; three times are enough."""
    for round_ in range(1, 4):
        _expect("malformed", {("malformed", "to-send"): 2, ("malformed", "sent"): 2 * (round_ - 1)} if round_ > 1 else
                {("malformed", "to-send"): 2}, _states(play, "--code", "malformed"))
        _redrive(play, "--code", "malformed", "--send")
        _run_daemon(play)
    _expect("malformed", {("malformed", "came-back"): 2, ("malformed", "sent"): 6}, _states(play, "--code", "malformed"))
    ends = _settled(play)
    words = _redrive(play, "--code", "malformed", "--send", codes=(1,)).stdout.decode()
    _expect("a fourth time", ends, _ends(play))
    if "--again" not in words:
        raise compare.Difference(f"--again is not named:\n{words}")
    _redrive(play, "--code", "malformed", "--send", "--again", "--limit", "1")
    # A record, a receipt, and the transaction's marker behind each.
    _expect("with --again", 4, sum(map(sum, _settled(play).values())) - sum(map(sum, ends.values())))


def redrive_refused(play):
    """Two letters that their topic refuses for good (a time in the year 9999; larger than it takes now) among others: the
    others go, these two are held back and told apart; once the topic takes the large one, it goes too."""
    play.make_topics()
    events, letters = play.topic("events"), play.topic("dead-letters")
    topics.produce(play.bootstrap, events, [(b"k", b"broken %d" % n) for n in range(30)] + [(b"k", b"x" * 20_000)] +
                   [(b"k", b"later %d" % n) for n in range(30)], partition=1)
    _run_daemon(play)
    headers = topics.read_header_lists(play.bootstrap, letters)[1, 0]
    forged = [(name, "253402300800000" if name == "timestamp" else text) for name, text in headers]
    topics.produce(play.bootstrap, letters, [(b"k", b"of the year 9999")], partition=1, headers=forged)
    topics.produce(play.bootstrap, letters, [(b"k", b"behind it")], partition=1, headers=headers)
    limit = ("--bootstrap-server", play.bootstrap, "--entity-type", "topics", "--entity-name", events)
    topics.tool("configs", *limit, "--alter", "--add-config", "max.message.bytes=12000")
    _expect("before", {("malformed", "to-send"): 63}, _states(play))

    began = time.monotonic()
    done = _redrive(play, "--send", codes=(1,))
    print(f"{done.stdout.decode()}{done.stderr.decode()}in {time.monotonic() - began:.1f} s")
    copies, _ = _copies(play, events)
    wanted = [b"broken %d" % n for n in range(30)] + [b"later %d" % n for n in range(30)] + [b"behind it"]
    _expect("what went", {value: 1 for value in wanted}, {value: len(at) for (_, value, _), at in copies.items()})
    said = done.stderr.decode()
    for words in ("offset 30", "max.message.bytes", "message.timestamp.", "61 letters sent back"):
        if words not in said:
            raise compare.Difference(f"{words} is not in: {said}")
    if "clock" in said or "2 held back: their topic does not take them" not in done.stdout.decode():
        raise compare.Difference(f"it says {said} and {done.stdout.decode()}")

    topics.tool("configs", *limit, "--alter", "--delete-config", "max.message.bytes")
    done = _redrive(play, "--send", "--output", "jsonl", codes=(1,))
    last = {line["letter_offset"]: line["state"] for line in map(json.loads, done.stdout.splitlines())}
    _expect("the second time", {"sent": 61, "to-send": 1, "refused": 1}, collections.Counter(last.values()))
    copies, _ = _copies(play, events)
    _expect("the large one too", 62, sum(map(len, copies.values())))


def _spoil(play, count, leads):
    """Events of a type that the source's map does not have yet, among good ones. Returns all."""
    mapping = {"lead": "lead", "id": "id", "time": "time", "fields": {"url": "fields.url"},
               "type": {"path": "type", "map": {"web.downloaded": "web.downloaded"}}}
    play.config["sources"] = [{"topic": play.topic("events"), "format": "json", "event": mapping}]
    play.make_topics()
    begin = int(time.time() * 1000) - 4 * traffic.DAY
    events = [{"lead": f"lead-{n % leads}", "id": f"e-{n}", "time": traffic.stamp(begin + n * 1000),
               "type": "web.downloaded" if n % 7 == 0 else "web.page_viewed",
               "fields": {"url": "https://acme.example/pricing"}} for n in range(count)]
    play.send(events)
    _run_daemon(play)
    mapping["type"]["map"]["web.page_viewed"] = "web.page_viewed"
    play.write_config("a")
    return events


def _each_once_in_order(play, events, ends):
    """Every spoilt event was appended once, behind what was there, a lead's in their order."""
    sent = [e for e in events if e["type"] == "web.page_viewed"]
    copies, _ = _copies(play, play.topic("events"))
    _expect("copies", {traffic.line(e).encode(): 1 for e in sent},
            {value: len(places) for (_, value, _), places in copies.items()})
    order = collections.defaultdict(list)
    for (key, value, _), [(partition, offset)] in copies.items():
        if offset < ends[partition]:
            raise compare.Difference(f"{value} is at {partition}/{offset}, the topic had {ends[partition]} before")
        order[key].append((partition, offset, json.loads(value)["id"]))
    for key, places in order.items():
        _expect(f"order of {key}", [e["id"] for e in sent if e["lead"].encode() == key], [i for _, _, i in sorted(places)])
    by_java = topics.read_with_java(play.bootstrap, play.topic("events"), len(events) + len(sent))
    _expect("records that Kafka's console consumer reads", len(events) + len(sent), len(by_java))


def _start(play, *arguments):
    return subprocess.Popen([play.binary, "redrive", "-c", play.file("config-a.yaml"), "--send", *arguments],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _forged_receipts(play):
    """Records that say that they are receipts: one with another key no redrive has written, so it is passed over and
    told; one with the key of a receipt stops everything, for nobody can say what was sent."""
    letters, group = play.topic("dead-letters"), play.group()
    before = _states(play)
    for value in (b"0-5", b"\x1b[2J"):
        topics.produce(play.bootstrap, letters, [(b"x", value)], partition=1, headers=[("leadstream-receipt", group)])
    done = _redrive(play)
    if "event=receipt_ignored partition=1" not in done.stderr.decode():
        raise AssertionError(f"of receipts that are none it says {done.stderr.decode()}")
    if "2 records on the topic are no dead letters of this program" not in done.stdout.decode():
        raise AssertionError(f"receipts that are none are not counted: {done.stdout.decode()}")
    _expect("with receipts that are none", before, _states(play))
    key = f"leadstream-receipt/{group}/1/0".encode()
    for value, words in ((b"0-999999", "names the letter at offset 999999"), (b"\x1b[2J", '"?[2J"')):
        end = play.wire.ends(letters, play.partitions)[1]
        topics.produce(play.bootstrap, letters, [(key, value)], partition=1,
                       headers=[("leadstream-receipt", group)])
        said = _redrive(play, codes=(3,)).stderr.decode()
        if f"partition 1, offset {end}: a receipt" not in said or words not in said:
            raise AssertionError(f"of the receipt {value} it says {said}")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"version": 1, "partitions": [{"topic": letters, "partition": 1, "offset": end + 1}]}, file)
            file.flush()
            topics.tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", play.bootstrap,
                        "--offset-json-file", file.name)
        _redrive(play)


def redrive_kills(play):
    """kill -9 at random moments, again and again, then two at the same time: each letter goes once."""
    events = _spoil(play, 2_100, 20)
    ends = play.wire.ends(play.topic("events"), play.partitions)
    kills, cut = 8, 0
    for _ in range(kills):
        before = sum(play.wire.ends(play.topic("events"), play.partitions))
        process = _start(play, "--batch", "5", "--limit", "150")
        time.sleep(play.rng.uniform(0.05, 0.9))
        process.kill()
        process.communicate()
        cut += sum(play.wire.ends(play.topic("events"), play.partitions)) > before
    left = _states(play)[("invalid", "to-send")]
    print(f"{cut} of {kills} had sent something when they were killed; {left} letters are left")
    _two_at_once(play)
    _expect("at the end", {("invalid", "sent"): 1_800}, _states(play))
    _each_once_in_order(play, events, ends)
    _run_daemon(play)
    _scores_are_right(play, events)
    _forged_receipts(play)


def redrive_broker_frozen(play):
    """A broker of its own is frozen for longer than a transaction may last while letters are sent: the receipts say
    what became of the transaction, and it goes on by itself."""
    with _sending(play, play.file("broker")) as wait_sent:
        wait_sent(0.2)
        topics.kafka("freeze", play.file("broker"))
        time.sleep(5)
        topics.kafka("thaw", play.file("broker"))


def redrive_broker_killed(play):
    """The same, killed and started again; runs on demand."""
    with _sending(play, play.file("broker"), killed=True) as wait_sent:
        wait_sent(0.5)
        topics.kafka("kill", play.file("broker"))
        time.sleep(play.rng.uniform(0, 3))
        topics.kafka("start", play.file("broker"))
        play.reconnect()


@contextlib.contextmanager
def _sending(play, folder, killed=False):
    """Letters are being sent while this lasts; in the end each must have been, once, by one command that ends well."""
    play.config["kafka"]["transaction.timeout.ms"] = "3000"
    with play.own_broker(folder, killed):
        events = _spoil(play, 700, 10)
        ends = play.wire.ends(play.topic("events"), play.partitions)
        letters = sum(e["type"] == "web.page_viewed" for e in events)
        process = _start(play, "--batch", "2")

        def wait_sent(share):
            while sum(play.wire.ends(play.topic("events"), play.partitions)) < sum(ends) + letters * share:
                if process.poll() is not None:
                    raise compare.Difference(f"it has ended: {process.stderr.read().decode()}")
                time.sleep(0.02)

        yield wait_sent
        words = process.communicate(timeout=300)[1].decode()
        print(words[-1500:])
        _expect("exit code", 0, process.returncode)
        if f"{letters} letters sent back" not in words:
            raise compare.Difference(f"it does not know how many it sent: {words}")
        _each_once_in_order(play, events, ends)


def _two_at_once(play):
    """Whoever comes later takes over, and the other ends with 3; in the end all is sent."""
    codes = []
    while not codes or 0 not in codes[-2:]:
        both = [_start(play, "--batch", "20")]
        time.sleep(play.rng.uniform(0, 0.4))
        both.append(_start(play, "--batch", "20"))
        for process in both:
            words = process.communicate(timeout=300)[1].decode()
            codes.append(process.returncode)
            if process.returncode == 3 and "another `leadstream redrive`" not in words:
                raise compare.Difference(f"ended with 3: {words}")
            if "an `instance`" in words:  # librdkafka's fence in general words: a redrive has none
                raise compare.Difference(f"it advises what does not help: {words}")
        if len(codes) > 20 or not set(codes) <= {0, 3}:
            raise compare.Difference(f"two at once ended with {codes}")
    print(f"two at once ended with {codes}")
