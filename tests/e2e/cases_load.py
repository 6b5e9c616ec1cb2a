"""More than it can take, for some seconds (load.py has the long runs)."""

import load


def overload_short(play):
    """Six times the rate that it can take: memory stays in its bounds, no shard is lost, the lag drains, and every
    record is right. A machine that stands still for some seconds is no overload: a transaction may last that long."""
    play.config["kafka"]["transaction.timeout.ms"] = 60_000
    print(load.overload(play, seconds=3, batch=50, times=6, leads=5_000, ahead=6_000, measure=3, limit=90))
