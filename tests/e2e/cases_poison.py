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


def _events(play, unlucky):
    """Traffic with one event in the middle that the daemon fails at; that one is not among those expected."""
    play.make_topics()
    events = play.traffic(4_000, 100)
    middle = events[len(events) // 2]
    bad = dict(middle, id=unlucky, type="web.page_viewed", fields={"url": "https://acme.example/pricing"})
    at = events.index(middle)
    play.send(events[:at])
    topics.produce(play.bootstrap, play.topic("events"), [(bad["lead"].encode(), traffic.line(bad).encode())])
    play.send(events[at:])
    return bad


def _crashes(play, code, times=1, **changes):
    for _ in range(times):
        daemon = play.start(**changes)
        ended = daemon.process.wait(60)
        play.daemons.remove(daemon)
        if ended != code:
            raise AssertionError(f"ended with {ended}, wanted {code}:\n{daemon.words()[-3000:]}")


def _set_aside(play, bad):
    """The record is the one dead letter, as it came, and everybody hears of it; all else is as if it had never been."""
    daemon = play.start()
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
    bad = _events(play, "unlucky-apply-1")
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
    bad = _events(play, "unlucky-decode-1")
    _mishap(play, MISHAP_DECODE="kill")
    _crashes(play, -9, times=3)
    if _notes(play):
        raise AssertionError("a kill left a note")
    _mishap(play, MISHAP_DECODE="segv")
    _crashes(play, -11, times=2)
    _set_aside(play, bad)


def commit_hangs(play):
    """A commit that never returns: the process ends by itself and names it; the next start has lost nothing."""
    play.make_topics()
    play.send(play.traffic(8_000, 300))
    hold = play.file("hold")
    _mishap(play, MISHAP_COMMIT=hold)
    kafka = dict(play.config["kafka"], **{"transaction.timeout.ms": 2000})
    daemon = play.start(kafka=kafka, watchdog="2s", batch={"max_events": 300, "max_time": "20ms"})
    play.wait_lag(play.lag() * 0.9)
    with open(hold, "wb"):
        began = time.monotonic()
    daemon.refuses(r"worker \d hangs in commit_transaction", limit=40, codes=(3,))
    print(f"ended {time.monotonic() - began:.1f} s after the commit began to hang, lag {play.lag()}")
    if play.lag() == 0:
        raise AssertionError("all input was done before: the test shows nothing")
    play.daemons.remove(daemon)
    os.remove(hold)
    daemon = play.start(kafka=kafka)
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def sigterm_starting(play):
    """A start that waits for its registry ends at once when it is asked to."""
    play.make_topics()
    play.config["outputs"]["format"] = "avro"
    for _ in range(2):
        daemon = play.start(registry={"url": "http://127.0.0.1:9"})
        daemon.wait_words("registry_awaited")
        took = daemon.end(limit=5)
        print(f"ended after {took:.2f} s")
        if took > 2:
            raise AssertionError(f"it took {took:.1f} s")
