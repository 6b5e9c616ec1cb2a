"""What an operator does: looks at a lead, asks for counters and health, adds headers, changes the generation."""

import signal
import time
import urllib.error
import urllib.request

import compare
import topics
import traffic


def _inspected(play, leads, at):
    """What `inspect` says of each lead, as `score` would put it."""
    config = play.file("config-a.yaml")
    found = {}
    for lead in leads:
        done = play.command("inspect", lead, "-c", config, "--at", at, "--output", "jsonl")
        found[lead] = compare.parse(done.stdout.decode())
    return found


def inspect_lead(play):
    """`inspect` tells of a lead what `score` tells, from the running daemon and from its store at rest."""
    play.make_topics()
    play.send(play.traffic(5_000, 80))
    daemon = play.start()
    sure = play.wait_quiet()
    at = traffic.stamp(int(time.time() * 1000) + traffic.DAY)
    done = play.command("score", "-m", play.model, "--reasons", "--output", "jsonl", "--at", at, *play.write_events())
    want = {line["lead"]: line for line in map(compare.parse, done.stdout.splitlines())}
    leads = play.rng.sample(sorted(want), 12)
    live = _inspected(play, leads, at)
    daemon.end()
    rest = _inspected(play, leads, at)
    for lead in leads:
        for name, value in want[lead].items():
            for where, found in (("running", live), ("at rest", rest)):
                if found[lead].get(name) != value:
                    raise compare.Difference(f"{lead}, {where}: {name} is {found[lead].get(name)}, score has {value}")
    play.check(sure)


def sources_changed(play):
    """A topic more among the sources at a restart, then one less, sooner than the group forgets the seats: it begins with
    what it is to read now, not with the partitions that the group kept for it."""
    play.config["kafka"]["session.timeout.ms"] = 4000
    play.config["sources"] = [{"topic": play.topic(n), "format": "json"} for n in ("events", "more")]
    play.make_topics()
    both = play.config["sources"]
    events = play.traffic(3_000, 60)
    for number, sources in enumerate((both[:1], both, both[1:])):
        play.send(events[number * 1_000:(number + 1) * 1_000], sources[-1]["topic"])
        daemon = play.start(sources=sources, time={"idle": "120s"})
        play.wait_live(daemon)
        play.wait_lag(0)
        daemon.end()
    daemon = play.start()
    play.wait_live(daemon)
    play.check(play.wait_quiet())
    daemon.end()


def sources_rolled(play):
    """A topic more among the sources of two instances, one restarted after the other: between the two the group gives
    the first one shards without all their topics, which wait until the second has been restarted too. The wall clock takes
    over only in the end: what the new topic brings would be late."""
    play.config["kafka"]["session.timeout.ms"] = 4000
    both = play.config["sources"] = [{"topic": play.topic(n), "format": "json"} for n in ("events", "more")]
    play.make_topics()
    events = play.traffic(2_000, 60)
    play.send(events[:1_000], both[0]["topic"])
    patient = {"stop": "leave", "time": {"idle": "300s"}}
    running = {name: play.start(name, sources=both[:1], **patient) for name in "ab"}
    play.wait_gauges(running.values(), leadstream_shards_live=4)
    play.wait_lag(0)
    for name, torn in (("a", 2), ("b", 0)):
        running[name].end()
        running[name] = play.start(name, **patient)
        play.wait_gauges(running.values(), leadstream_shards_live=4, leadstream_unread=torn)
    play.send(events[1_000:], both[1]["topic"])
    play.wait_quiet(still=1)
    for daemon in running.values():
        daemon.end()
    play.start()
    play.check(play.wait_quiet())


def _is_well(daemon):
    try:
        with urllib.request.urlopen(f"http://{daemon.http}/health", timeout=60) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def _counted(daemon):
    """What it says that it published: score changes, leads for sales."""
    return [daemon.sum(name) for name in ("leadstream_score_changes_total", "leadstream_sales_ready_total")]


def _published(play):
    got = play.got()
    return [sum(1 for r in got if r["kind"] == kind) for kind in ("score_changed", "sales_ready")]


def watched(play):
    """/metrics counts what was published, /health is well, SIGHUP says that it reads nothing again."""
    play.config["outputs"]["headers"] = "cloudevents"
    play.make_topics()
    events = play.traffic(3_000, 60)
    events.append({"lead": events[-1]["lead"], "id": "odd", "type": "form.submitted", "time": events[-1]["time"],
                   "fields": {"company_size": "some"}})
    play.send(events)
    daemon = play.start()
    sure = play.wait_quiet()
    play.wait_until(lambda: _is_well(daemon), "/health does not become well")
    # A lead's timer may be due at any moment: then both have one more.
    play.wait_until(lambda: _counted(daemon) == _published(play),
                    f"counted {_counted(daemon)}, there are {_published(play)} records")
    if not daemon.sum("leadstream_not_a_number_total"):
        raise AssertionError("a company of \"some\" people was not told of")
    taken = daemon.sum("leadstream_events_total")
    if taken != len(events):
        raise AssertionError(f"{taken} events of {len(events)}")
    play.wait_gauges([daemon], leadstream_lag_records=0)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_words("restart to change")
    daemon.end()
    play.check(sure)
    by_place = {(p, o): h for p, o, h in topics.read_headers(play.bootstrap, play.topic("scores"))}
    for record in topics.read(play.bootstrap, play.topic("scores")):
        value, head = play.decode(record.value), by_place[record.partition, record.offset]
        if (head["ce_id"], head["ce_subject"], head["ce_time"], head["ce_specversion"]) != (
                value["id"], value["lead"], value["at"], "1.0") or not head["ce_type"] or not head["ce_source"]:
            raise compare.Difference(f"CloudEvents headers {head} on {value}")


def next_generation(play):
    """Another model under a new generation reads everything from the start, beside the old one's outputs and state."""
    play.make_topics()
    play.send(play.traffic(6_000, 120))
    daemon = play.start()
    play.check(play.wait_quiet())
    daemon.end()
    with open(play.model, encoding="utf-8") as file:
        text = file.read()
    with open(play.model, "w", encoding="utf-8") as file:
        file.write(text.replace("half_life: 2d", "half_life: 3d").replace("version: 1", "version: 2"))
    play.config["generation"] = "g2"
    old = {name: play.topic(name) for name in ("scores", "sales-ready")}
    play.rename_outputs("g2-")
    play.command("topics", "-c", play.write_config("setup"), "--create")
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)
    if any(b'"version":2' in (r.value or b"") for topic in old.values() for r in topics.read(play.bootstrap, topic)):
        raise compare.Difference("the new generation wrote to the old one's topics")


def check_broker(play):
    """`check --broker`: what is missing and what is wrong, each by name, exit 1; all good, exit 0; nobody there, 3."""
    config = play.write_config("setup")
    missing = play.command("check", "-c", config, "--broker", codes=(1,)).stderr.decode()
    for topic in (*play.sources(), *(play.topic(n) for n in ("scores", "sales-ready", "dead-letters")), play.changelog()):
        if f"topic {topic}: does not exist" not in missing:
            raise AssertionError(f"{topic} is not told of: {missing}")
    if f"topics -c {config} --create" not in missing:
        raise AssertionError(f"no remedy: {missing}")
    play.make_topics()
    good = play.command("check", "-c", config, "--broker").stdout.decode()
    if f"good, 5 topics of {play.partitions} partitions" not in good:
        raise AssertionError(good)
    play.wire.delete_topics([play.changelog()])
    play.wire.create_topics({play.changelog(): (play.partitions + 1, {"cleanup.policy": "delete"})})
    until = time.monotonic() + 90 # a topic that was made is known everywhere some moments later
    wrong = "does not exist"
    while "does not exist" in wrong and time.monotonic() < until:
        wrong = play.command("check", "-c", config, "--broker", codes=(1,)).stderr.decode()
    if f"topic {play.changelog()}: has {play.partitions + 1} partitions" not in wrong or "--create" in wrong.split("\n")[-1]:
        raise AssertionError(wrong)
    away = play.write_config("setup", kafka={"bootstrap.servers": "127.0.0.1:9"})
    words = play.command("check", "-c", away, "--broker", codes=(3,)).stderr.decode()
    if "no broker answered" not in words or "127.0.0.1:9" not in words:
        raise AssertionError(words)
