"""More than it can take, for some seconds (load.py has the long runs)."""

import load


def overload_short(play):
    """Eight times the rate that it can take: memory stays in its bounds, no shard is lost, the lag drains, and every
    record is right."""
    figures = load.overload(play, seconds=6, share=0.005, times=8, leads=5_000, backlog=20_000, measure=4, lift=True,
                            limit=60)
    print(figures)
