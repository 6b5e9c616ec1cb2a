"""Are the records on the topics those that `leadstream score --changes` gives? Per lead, in order, record for record,
up to the final clock: what a timer gives in the last seconds before the stop may or may not be there yet."""

import collections
import json
from decimal import Decimal

from traffic import parse_stamp


class Difference(AssertionError):
    pass


def parse(text):
    """A record as a value; numbers exact, a key given twice refused."""
    def pairs(items):
        keys = [k for k, _ in items]
        if len(set(keys)) != len(keys):
            raise Difference(f"a key twice in {text}")
        return dict(items)

    return json.loads(text, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=pairs)


def by_lead(records):
    """{(lead, family): [record]}: score changes and erasures share a topic and so an order; sales-ready has its own."""
    found = collections.defaultdict(list)
    for record in records:
        family = "sales_ready" if record["kind"] == "sales_ready" else "scores"
        found[record["lead"], family].append(record)
    return found


def first_difference(expected, got):
    """The names of the members that differ, with both values."""
    words = []
    for name in sorted(set(expected) | set(got)):
        if expected.get(name) != got.get(name):
            words.append(f"{name}: expected {expected.get(name)!s}, got {got.get(name)!s}")
    return "; ".join(words)


def same(expected, got, sure_until):
    """Raises Difference where the records got are not the expected ones; those with `at` past sure_until (ms) may be
    missing at the end of a lead's list. Returns how many were compared."""
    expected, got = by_lead(expected), by_lead(got)
    count = 0
    for who in sorted(set(expected) | set(got)):
        want, have = expected.get(who, []), got.get(who, [])
        for number, (one, other) in enumerate(zip(want, have)):
            if one != other:
                raise Difference(f"{who}, record {number} of {len(want)}: {first_difference(one, other)}")
            count += 1
        if len(have) > len(want):
            raise Difference(f"{who}: {len(have) - len(want)} records too many, the first: {have[len(want)]}")
        for record in want[len(have):]:
            if parse_stamp(record["at"]) <= sure_until:
                raise Difference(f"{who}: {len(want) - len(have)} records missing, the first: {record}")
    return count


def unique_ids(records):
    """Exactly once also means: no record id twice."""
    seen = collections.Counter(r["id"] for r in records)
    twice = [i for i, n in seen.items() if n > 1]
    if twice:
        raise Difference(f"{len(twice)} record ids came more than once, such as {twice[0]}")
