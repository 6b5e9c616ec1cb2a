"""Faults between daemon and broker, struck by the fault proxy at one request or its answer; and brokers that stop or die
in a commit. The daemon goes on by itself, and what it published is what an undisturbed run publishes."""

import time

import chaos
import proxy
import topics

# The requests that a transaction is made of, in their order, and those that recovery is made of.
TRANSACTION = (proxy.ADD_PARTITIONS, proxy.PRODUCE, proxy.ADD_OFFSETS, proxy.TXN_OFFSETS, proxy.END_TXN)
RECOVERY = (proxy.COORDINATOR, proxy.INIT_PRODUCER, proxy.OFFSET_FETCH, proxy.OFFSETS)


def _loaded(play, rate=500, seconds=90, **changes):
    """Live traffic and one instance that is in full work."""
    play.make_topics()
    stream = chaos.Stream(play, rate, seconds=seconds)
    daemon = play.start("a", batch=chaos.BUSY, time=chaos.LIVE, **changes)
    chaos.progress(play, [daemon])
    return stream, daemon


def commit_cut(play):
    """The connection is cut at every request of a transaction, before the broker has it and between its deed and its
    answer: above all EndTxn, where only the broker knows whether the batch is committed. Then with a ghost: an EndTxn
    whose connection is gone reaches the broker late, when the daemon has asked again and is in its next transaction,
    which it must not commit by half."""
    with chaos.broker_behind_proxy(play) as between:
        stream, daemon = _loaded(play)
        for api in TRANSACTION:
            for act in (proxy.CUT_REQUEST, proxy.CUT_ANSWER):
                fault = between.fault(api, act, skip=play.rng.randrange(4), times=3)
                fault.wait(90)
                slow = chaos.progress(play, [daemon])
                print(f"{fault}: at work again after {slow:.1f} s, {chaos.lost(daemon):.0f} batches lost so far")
                between.clear()
        for _ in range(12):
            fault = between.fault(proxy.END_TXN, proxy.GHOST, skip=play.rng.randrange(4),
                                  seconds=play.rng.uniform(0.02, 0.4))
            fault.wait(90)
            chaos.progress(play, [daemon], events=100)
        print(f"{dict(between.struck)}, {chaos.lost(daemon):.0f} batches lost")
        chaos.finish(play, stream=stream)


def fenced_by_itself(play):
    """A session times out, and the JoinGroup after it is thought lost but reaches the broker behind its repetition: the
    broker takes it for another process by the same name and fences the first. There is no other, so the daemon makes its
    consumer anew and goes on by itself."""
    with chaos.broker_behind_proxy(play) as between:
        stream, daemon = _loaded(play, threads=1)
        ghost = between.fault(proxy.JOIN, proxy.GHOST, seconds=4)
        between.fault(proxy.HEARTBEAT, proxy.LOSE_ANSWER)
        ghost.wait(90)
        daemon.wait_words("event=consumer_remade")
        slow = chaos.progress(play, [daemon])
        print(f"at work again after {slow:.1f} s, {chaos.lost(daemon):.0f} batches lost")
        chaos.finish(play, stream=stream)


def commit_unanswered(play):
    """EndTxn, or its answer, is lost for good, or comes after the transaction is too old: nobody says how the commit
    ended, the producer is given up, and the changelog tells."""
    with chaos.broker_behind_proxy(play) as between:
        stream, daemon = _loaded(play)
        for act, seconds in ((proxy.LOSE_ANSWER, 0), (proxy.LOSE_REQUEST, 0), (proxy.DELAY_REQUEST, 7),
                             (proxy.DELAY_ANSWER, 7)):
            before = chaos.lost(daemon)
            fault = between.fault(proxy.END_TXN, act, times=1, seconds=seconds)
            fault.wait(90)
            slow = chaos.progress(play, [daemon])
            print(f"{fault}: at work again after {slow:.1f} s, {chaos.lost(daemon) - before:.0f} batches lost")
            between.clear()
        if chaos.lost(daemon) == 0:
            raise AssertionError("no batch was lost: the faults did not strike")
        chaos.finish(play, stream=stream)


def cut_by_chance(play):
    """Every request and every answer may be the last of its connection, for a while; recovery's own too."""
    with chaos.broker_behind_proxy(play) as between:
        stream, daemon = _loaded(play)
        for act, chance in ((proxy.CUT_REQUEST, 0.01), (proxy.CUT_ANSWER, 0.01)):
            between.fault(None, act, times=None, chance=chance)
            between.fault(RECOVERY + (proxy.END_TXN,), act, times=None, chance=0.1)
        between.fault(None, proxy.DELAY_ANSWER, times=None, chance=0.01, seconds=0.3)
        time.sleep(12)
        between.clear()
        slow = chaos.progress(play, [daemon])
        print(f"{sum(between.struck.values())} faults, at work again after {slow:.1f} s: {dict(between.struck)}")
        chaos.finish(play, stream=stream)


def network_gone(play):
    """Nothing comes through for longer than every time-out, first as a refusal, then as silence after which the old
    connections stay dead: the daemon stays, says that it waits, and goes on when the network is back. With the time-outs
    as they are by default."""
    with chaos.broker_behind_proxy(play) as between:
        for name in chaos.SHORT:
            del play.config["kafka"][name]
        stream, daemon = _loaded(play, seconds=200)
        between.refuse()
        time.sleep(12)
        between.accept()
        print(f"refused for 12 s: up to date again after {chaos.caught_up(play, stream, [daemon]):.1f} s")
        between.hole()
        time.sleep(12)
        between.hole(False)
        print(f"silent for 12 s: up to date again after {chaos.caught_up(play, stream, [daemon]):.1f} s")
        daemon.wait_words("level=warn", limit=10)
        chaos.finish(play, stream=stream)


def broker_killed_in_commit(play):
    """kill -9 of the broker at an EndTxn: as it arrives, and as its answer leaves; then it starts again."""
    folder = play.file("broker")
    with chaos.broker_behind_proxy(play, killed=True) as between:
        stream, daemon = _loaded(play)
        for act in (proxy.DELAY_REQUEST, proxy.LOSE_ANSWER):
            def strike(_):
                stream.pause()
                topics.kafka("kill", folder)

            fault = between.fault(proxy.END_TXN, act, skip=play.rng.randrange(5), call=strike)
            fault.wait(90)
            time.sleep(play.rng.uniform(0, 2))
            topics.kafka("start", folder)
            stream.go_on()
            play.reconnect()
            slow = chaos.caught_up(play, stream, [daemon])
            print(f"killed at {fault}: up to date again {slow:.1f} s after its start")
        chaos.finish(play, stream=stream)


def broker_stopped_in_commit(play):
    """SIGSTOP of the broker at an EndTxn, past the session's and the transaction's time-out, and SIGCONT."""
    folder = play.file("broker")
    with chaos.broker_behind_proxy(play) as between:
        stream, daemon = _loaded(play)
        for act in (proxy.DELAY_REQUEST, proxy.DELAY_ANSWER):
            fault = between.fault(proxy.END_TXN, act, skip=play.rng.randrange(5),
                                  call=lambda _: topics.kafka("freeze", folder))
            fault.wait(90)
            time.sleep(chaos.SHORT["transaction.timeout.ms"] / 1000 + 3)
            topics.kafka("thaw", folder)
            print(f"stopped at {fault}: up to date again after {chaos.caught_up(play, stream, [daemon]):.1f} s")
        chaos.finish(play, stream=stream)


def broker_stopped_long(play):
    """The broker stops in a commit for longer than every time-out there is by default, the watchdog's too. Whether the
    daemon waits it out or is ended by its watchdog, which says so: it does not hang, and nothing is lost."""
    folder = play.file("broker")
    with chaos.broker_behind_proxy(play) as between:
        for name in chaos.SHORT:
            del play.config["kafka"][name]
        stream, daemon = _loaded(play, seconds=300)

        def strike(_):
            stream.pause()
            topics.kafka("freeze", folder)

        between.fault(proxy.END_TXN, proxy.DELAY_REQUEST, call=strike).wait(90)
        time.sleep(100)
        topics.kafka("thaw", folder)
        stream.go_on()
        if not daemon.alive():
            daemon.refuses(r"hangs.*its turn has not ended", codes=(3,))
            daemon = play.start("a", batch=chaos.BUSY, time=chaos.LIVE)
        print(f"up to date again after {chaos.caught_up(play, stream, [daemon]):.1f} s")
        chaos.finish(play, stream=stream)
