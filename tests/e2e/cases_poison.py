"""What the program cannot help by itself: records that make it fail, as a bug would, and calls that never come back.
mishap.c is preloaded into it for that."""

import os
import time

import compare
import topics
import traffic
from play import Skip


def _mishap(play, **how):
    """The daemons started from now on have these mishaps; none: they have none."""
    library = os.path.join(os.path.dirname(play.binary), "..", "tests", "e2e", "libmishap.so")
    if not os.path.exists(library):
        raise Skip(f"{library} is not built")
    play.environment = dict(how, LD_PRELOAD=os.path.abspath(library)) if how else {}


def _events(play, count=4_000, **unlucky):
    """Traffic with one event in the middle that the daemon fails at; that one is not among those expected. It is a new
    lead's: one whose score is held at 0 would publish nothing by it, and so nothing would fail."""
    play.make_topics()
    events = play.traffic(count, 100)
    middle = events[len(events) // 2]
    bad = {**middle, "lead": "newcomer", "type": "web.page_viewed", "fields": {"url": "https://acme.example/pricing"},
           **unlucky}
    at = events.index(middle)
    play.send(events[:at])
    topics.produce(play.bootstrap, play.topic("events"), [(bad["lead"].encode(), traffic.line(bad).encode())])
    play.send(events[at:])
    return bad


def _crashes(play, code, times=1, **changes):
    for _ in range(times):
        daemon = play.start(**changes)
        ended = daemon.process.wait(180)
        play.daemons.remove(daemon)
        if ended != code:
            raise AssertionError(f"ended with {ended}, wanted {code}:\n{daemon.words()[-3000:]}")


def _set_aside(play, bad, **changes):
    """The record is the one dead letter, as it came, and everybody hears of it; all else is as if it had never been."""
    daemon = play.start(**changes)
    sure = play.wait_quiet()
    daemon.wait_words(r"level=error event=condemned code=poison")
    if daemon.sum("leadstream_poisoned_total") != 1 or daemon.sum("leadstream_shards_live") != play.partitions:
        raise AssertionError(f"metrics: {daemon.metrics()}")
    daemon.end()
    play.check(sure)
    letters = topics.read(play.bootstrap, play.topic("dead-letters"))
    heads = [h for _, _, h in topics.read_headers(play.bootstrap, play.topic("dead-letters"))]
    if [(l.key, l.value) for l in letters] != [(bad["lead"].encode(), traffic.line(bad).encode())]:
        raise compare.Difference(f"dead letters: {letters}")
    if heads[0]["code"] != "poison" or heads[0]["partition"] != str(letters[0].partition):
        raise compare.Difference(f"headers: {heads}")
    print(f"dead letter: {heads[0]}")


def _notes(play):
    path = os.path.join(play.store(), "g1.crashes")
    return os.path.getsize(path) // 512 if os.path.exists(path) else 0


def poison_applied(play):
    """Applying a record ends the process: for ever if it is not to be set aside; else twice, and the third start sets
    it aside. Then a program without the bug goes on."""
    bad = _events(play, id="unlucky-apply-1")
    _mishap(play, MISHAP_APPLY="abort")
    _crashes(play, -6, times=3, poison={"crashes": 0})
    if _notes(play):
        raise AssertionError("notes are kept though nobody asks for them")
    _crashes(play, -6, times=2)
    if _notes(play) != 2:
        raise AssertionError(f"{_notes(play)} notes of two crashes")
    _set_aside(play, bad)
    _mishap(play)
    play.send(play.second_wave(300, 100))
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def poison_decoded(play):
    """Decoding a record ends the process. kill -9 at the same place says nothing about the record, so it does not count."""
    bad = _events(play, id="unlucky-decode-1")
    _mishap(play, MISHAP_DECODE="kill")
    _crashes(play, -9, times=3)
    if _notes(play):
        raise AssertionError("a kill left a note")
    _mishap(play, MISHAP_DECODE="segv")
    _crashes(play, -11, times=2)
    _set_aside(play, bad)


def poison_at_end(play):
    """It fails at the end of a batch, where any of its events may be to blame: the next start takes them one by one,
    and so finds out which. One crash more than where it is clear from the beginning."""
    bad = _events(play, 800, lead="unlucky-end", type="privacy.erased")
    _mishap(play, MISHAP_END="abort")
    batch = {"max_events": 60, "max_time": "1s"}
    _crashes(play, -6, times=3, batch=batch)
    if _notes(play) < 3:  # the first for each partition of the batch
        raise AssertionError(f"{_notes(play)} notes of three crashes")
    _set_aside(play, bad, batch=batch)


def poison_timer(play):
    """A lead's timer makes it fail when it fires: twice; then it is put aside, loudly, everything else is as it should
    be, and the lead's next event counts as ever."""
    lead, begin = "unlucky-timer", int(time.time() * 1000) - 5 * traffic.DAY
    play.make_topics()
    play.send(play.traffic(600, 60))
    views = [{"lead": lead, "id": f"by-event-{n}", "type": "web.page_viewed", "time": traffic.stamp(begin + n * 60_000),
              "fields": {"url": "https://acme.example/pricing"}} for n in range(4)]
    play.send(views)
    _mishap(play, MISHAP_TIMER="abort")
    _crashes(play, -6, times=2)
    daemon = play.start()
    daemon.wait_words(r"level=error event=condemned code=poison.*a lead's timer, due 20")
    sure = play.wait_quiet()
    if lead in daemon.words():
        raise AssertionError("the log names the lead")
    letters = topics.read(play.bootstrap, play.topic("dead-letters"))
    if [(l.key, l.value) for l in letters] != [(lead.encode(), None)] or daemon.sum("leadstream_poisoned_total") != 1:
        raise compare.Difference(f"dead letters: {letters}")
    print(f"dead letter: {topics.read_headers(play.bootstrap, play.topic('dead-letters'))[0][2]}")
    before = [r for r in play.got() if r["lead"] == lead]
    if [r["trigger"] for r in before if r["kind"] == "score_changed"] != ["event"] * 4:
        raise compare.Difference(f"of the lead: {before}")
    now = int(time.time() * 1000)
    others = [[r for r in records if r["lead"] != lead] for records in (play.expected(now), play.got())]
    print(f"compared {compare.same(*others, sure)} records of the others")
    later = {**views[0], "id": "by-event-again", "time": traffic.stamp(now)}
    topics.produce(play.bootstrap, play.topic("events"), [(lead.encode(), traffic.line(later).encode())])
    play.wait_quiet(still=1)
    daemon.end()
    shown = play.command("redrive", "-c", play.file("config-a.yaml"), "--output", "jsonl").stdout.decode()
    if '"no-source"' not in shown or lead not in shown:
        raise AssertionError(f"redrive shows {shown}")
    if not any(r["cause"] == "by-event-again" for r in play.got()):
        raise compare.Difference("the lead's next event published nothing")


LARGE_MODEL = """
model: large
version: 1
engagement: {half_life: 365d, groups: {web: {rules: [{id: view, on: web.page_viewed, points: 10}]}}}
stages: [{name: cold}, {name: hot, enter: 25}]
sales_ready: {when: {stage: hot}, cooldown: 300d}
"""


def _views(leads, begin):
    """Five views of each lead; the third makes it ready for sales."""
    return [{"lead": lead, "id": f"{lead}-{view}", "type": "web.page_viewed",
             "time": traffic.stamp(begin + view * 60_000 + number), "fields": {"url": "/"}}
            for view in range(5) for number, lead in enumerate(leads)]


def output_too_large(play):
    """Somebody lowers what a topic takes below what is to be published: the events that would publish it become dead
    letters, all else goes on; sent back when the topic takes it again, they count."""
    with open(play.model, "w", encoding="utf-8") as file:
        file.write(LARGE_MODEL)
    play.make_topics()
    begin = int(time.time() * 1000) - 3_600_000
    play.send(_views([f"early-{n}" for n in range(20)], begin))
    daemon = play.start()
    play.wait_quiet(still=1)
    limit = ("--bootstrap-server", play.bootstrap, "--entity-type", "topics", "--entity-name", play.topic("sales-ready"))
    topics.tool("configs", *limit, "--alter", "--add-config", "max.message.bytes=300")
    late = _views([f"late-{n}" for n in range(4)], begin + 600_000)
    ready = [e for e in late if int(e["id"].rsplit("-", 1)[1]) >= 2]
    topics.produce(play.bootstrap, play.topic("events"), [(e["lead"].encode(), traffic.line(e).encode()) for e in late])
    play.sent[play.topic("events")].extend(e for e in late if e not in ready)
    sure = play.wait_quiet()
    play.check(sure)
    letters = topics.read_headers(play.bootstrap, play.topic("dead-letters"))
    got = sorted(r.value.decode() for r in topics.read(play.bootstrap, play.topic("dead-letters")))
    if {h["code"] for _, _, h in letters} != {"output-too-large"} or got != sorted(map(traffic.line, ready)):
        raise compare.Difference(f"dead letters: {letters}")
    # Batches were lost on the way: the letters are counted that are there.
    counted = {daemon.sum("leadstream_output_too_large_total"), daemon.sum("leadstream_dead_letters_total"),
               daemon.errors("output-too-large")}
    if counted != {len(letters)}:
        raise AssertionError(f"{len(letters)} letters, metrics: {daemon.metrics()}")
    print(f"lost batches: {daemon.sum('leadstream_batches_lost_total')}, dead letter: {letters[0][2]}")
    topics.tool("configs", *limit, "--alter", "--delete-config", "max.message.bytes")
    daemon.end()
    daemon = play.start()
    play.command("redrive", "-c", play.file("config-a.yaml"), "--code", "output-too-large", "--send")
    play.sent[play.topic("events")].extend(ready)
    sure = play.wait_quiet(still=2, markers=play.partitions)
    daemon.end()
    play.check(sure)


def commit_hangs(play):
    """A commit that never returns: the process ends by itself and names it; the next start has lost nothing."""
    play.make_topics()
    play.send(play.traffic(8_000, 300))
    hold = play.file("hold")
    _mishap(play, MISHAP_COMMIT=hold)
    kafka = dict(play.config["kafka"], **{"transaction.timeout.ms": 2000})
    daemon = play.start(kafka=kafka, watchdog="4s", batch={"max_events": 300, "max_time": "20ms"})
    play.wait_lag(play.lag() * 0.9)
    with open(hold, "wb"):
        began = time.monotonic()
    play.send(play.second_wave(300, 300))   # should it have been done with all
    daemon.refuses(r"worker \d hangs in commit_transaction", codes=(3,))
    print(f"ended {time.monotonic() - began:.1f} s after the commit began to hang, lag {play.lag()}")
    if play.lag() == 0:
        raise AssertionError("all input was done before: the test shows nothing")
    play.daemons.remove(daemon)
    os.remove(hold)
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def sigterm_starting(play):
    """A start that waits for its registry ends at once when it is asked to."""
    play.make_topics()
    play.config["outputs"]["format"] = "avro"
    took = []
    # Twice; on a machine that stands still in between once more, and again.
    while len(took) < 2 or (min(took) > 1 and len(took) < 5):
        daemon = play.start(registry={"url": "http://127.0.0.1:9"})
        daemon.wait_words("registry_awaited")
        took.append(daemon.end())
        print(f"ended after {took[-1]:.2f} s")
    if min(took) > 1:
        raise AssertionError(f"it took {took} s")
