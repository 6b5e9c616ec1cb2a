"""What befalls processes: stopped for longer than the cluster waits for them, coming and going under load, two by one
name, clocks that jump. The daemon goes on, or the one that has to end says why."""

import os
import signal
import struct
import threading
import time

import chaos
import proxy

HOUR = 3_600_000


def _stop(daemon):
    daemon.process.send_signal(signal.SIGSTOP)


def _go_on(daemon):
    daemon.process.send_signal(signal.SIGCONT)


def zombie_wakes(play):
    """SIGSTOP in full work, past the session's and the transaction's time-out: another takes its shards over; it wakes
    with a batch in its hands, which must come to nothing, and joins again."""
    play.config["kafka"] |= chaos.SHORT
    play.make_topics()
    stream = chaos.Stream(play)
    zombie = play.start("a", batch=chaos.BUSY, time=chaos.LIVE)
    chaos.progress(play, [zombie])
    # Twice at least, and until it was stopped in the middle of a batch: that is a matter of chance.
    for turn in range(10):
        if turn >= 2 and chaos.lost(zombie):
            break
        _stop(zombie)
        heir = play.start("b", batch=chaos.BUSY, time=chaos.LIVE, stop="leave")
        play.wait_live(heir)
        chaos.progress(play, [heir])
        _go_on(zombie)
        # It must find out, and take part again.
        slow = chaos.progress(play, [zombie])
        print(f"the zombie is at work again {slow:.1f} s after SIGCONT, {chaos.lost(zombie):.0f} batches lost")
        heir.end()
        play.daemons.remove(heir)
        chaos.progress(play, [zombie])
    if chaos.lost(zombie) == 0:
        raise AssertionError("it lost no batch: it was not stopped in the middle of one")
    chaos.finish(play, stream=stream)


def stopped_alone(play):
    """The same with nobody to take over, stopped and woken several times for as long as chance has it."""
    play.config["kafka"] |= chaos.SHORT
    play.make_topics()
    stream = chaos.Stream(play)
    daemon = play.start("a", batch=chaos.BUSY, time=chaos.LIVE)
    chaos.progress(play, [daemon])
    for seconds in (play.rng.uniform(0.5, 3), play.rng.uniform(4.5, 6), play.rng.uniform(9, 11)):
        _stop(daemon)
        time.sleep(seconds)
        _go_on(daemon)
        print(f"stopped for {seconds:.1f} s: at work again after {chaos.progress(play, [daemon]):.1f} s")
    chaos.finish(play, stream=stream)


def rebalances_live(play):
    """Two stay, a third and a fourth come and go every second or so, while events come."""
    play.config["kafka"] |= chaos.SHORT
    play.make_topics(partitions=6)
    stream = chaos.Stream(play)
    staying = [play.start(name, batch=chaos.BUSY, time=chaos.LIVE, threads=1) for name in "ab"]
    guests, came = {}, 0
    end = time.monotonic() + 15
    while time.monotonic() < end:
        name = play.rng.choice("cd")
        if name in guests:
            guest = guests.pop(name)
            guest.end() if play.rng.random() < 0.7 else guest.kill()
            play.daemons.remove(guest)
        else:
            guests[name] = play.start(name, batch=chaos.BUSY, time=chaos.LIVE, threads=1, stop="leave")
            came += 1
        time.sleep(play.rng.uniform(0.3, 1.5))
    for guest in guests.values():
        guest.end()
    slow = chaos.progress(play, staying)
    shares = [daemon.sum("leadstream_events_total") for daemon in staying]
    print(f"{came} came and went; those that stayed took {shares}, at work again after {slow:.1f} s")
    chaos.finish(play, stream=stream)


def two_disks(play):
    """Two processes by one name with a disk each, under load: the elder is fenced, says so and ends; the younger goes
    on, and so does the elder's disk when it is the only one again."""
    play.make_topics()
    stream = chaos.Stream(play)
    elder = play.start("a", batch=chaos.BUSY, time=chaos.LIVE)
    chaos.progress(play, [elder])
    younger = play.start("b", instance="a", batch=chaos.BUSY, time=chaos.LIVE)
    elder.refuses(r"code=fenced.*same `instance`: give each its own name", codes=(3,))
    play.daemons.remove(elder)
    print(f"the younger is at work after {chaos.progress(play, [younger]):.1f} s")
    chaos.finish(play, stream=stream)


def _set_clock(play, hours):
    """In place: the daemon has the file mapped."""
    file = os.open(play.file("clock"), os.O_WRONLY | os.O_CREAT)
    os.write(file, struct.pack("=q", int(hours * HOUR) * 1_000_000))
    os.close(file)


def _start_with_clock(play, hours, **changes):
    """A daemon whose wall clock `_set_clock` moves while it runs."""
    shim = os.path.join(os.path.dirname(play.binary), "..", "tests", "e2e", "libclock_shim.so")
    _set_clock(play, hours)
    wrapper = ["env", f"LD_PRELOAD={os.path.realpath(shim)}", f"CLOCK_SHIM={play.file('clock')}"]
    return play.start("a", before=wrapper, batch=chaos.BUSY, **changes)


def clock_steps(play):
    """The wall clock jumps forth and back by hours. Under live events nothing waits for it, nothing is late by it, no
    timer fires by it; so far ahead that the broker takes nothing more it says so, and goes on when it is set right. On
    idle input the timers of the time jumped over fire, once, each at its own instant; the way back takes nothing back."""
    with chaos.broker_behind_proxy(play) as between:
        play.make_topics()
        daemon = _start_with_clock(play, 0, time=chaos.LIVE)
        stream = chaos.Stream(play)
        chaos.progress(play, [daemon])
        for hours in (-7, 0.8, -30, 0):
            # Ahead, the broker refuses records, and a new producer has to wait for the end of the old transaction; back
            # in the middle of that wait, which must not last till the clock is there again.
            tried = between.fault(proxy.INIT_PRODUCER, proxy.DELAY_ANSWER, times=2,
                                  call=lambda _, h=hours: threading.Timer(0.1, _set_clock, (play, h)).start())
            _set_clock(play, 5)
            tried.wait(90)
            time.sleep(2)
            print(f"clock at {hours:+} h: up to date after {chaos.caught_up(play, stream, [daemon]):.1f} s")
            between.clear()
        daemon.wait_words("INVALID_TIMESTAMP.*this machine's clock is ahead", limit=10)
        if daemon.sum("leadstream_late_total") > 0:
            raise AssertionError("events were late")
        daemon.end()
        stream.end()
        _clock_steps_idle(play)


def _clock_steps_idle(play):
    daemon = _start_with_clock(play, 0, time={"idle": "500ms"})
    play.check(play.wait_quiet())
    sure = ahead = 0
    for hours in (0.8, -7, 0):
        _set_clock(play, hours)
        quiet = play.wait_quiet(still=2, ahead=int(hours * HOUR))
        sure, ahead = max(sure, quiet), max(ahead, int((time.time() + hours * 3600) * 1000))
        play.check(sure, ahead)
    daemon.end()
