"""`compare.same` for more records than memory would take: of each lead, a count and a hash over all its lines so far.

Byte for byte, which is more than compare.py asks. The topics are read first; then the expected lines go by, and where as
many have gone by as were got, the hashes must be the same."""

import hashlib
import json

from compare import Difference

NOTHING = (0, b"")


def _parts(line):
    record = json.loads(line)
    return (record["lead"], record["kind"] == "sales_ready"), record["at"]


def _next(state, line):
    count, digest = state
    return count + 1, hashlib.blake2b(digest + line.strip(), digest_size=8).digest()


def of(lines):
    """{(lead, family): (count, hash)} of lines of JSON."""
    found = {}
    for line in lines:
        who, _ = _parts(line)
        found[who] = _next(found.get(who, NOTHING), line)
    return found


def same(expected, got, sure):
    """Raises Difference where the lines got (as `of` has them) are not those expected; those with `at` past sure (a stamp)
    may be missing at the end of a lead's. Returns how many were compared."""
    seen = {}
    for line in expected:
        who, at = _parts(line)
        count, digest = got.get(who, NOTHING)
        state = seen.get(who, NOTHING)
        if state[0] == count:
            if at <= sure:
                raise Difference(f"{who}: {count} records, and more are missing, the first: {line.decode()}")
            continue
        seen[who] = state = _next(state, line)
        if state[0] == count and state[1] != digest:
            raise Difference(f"{who}: among {count} records are others than those of score")
    for who, (count, _) in got.items():
        if seen.get(who, NOTHING)[0] != count:
            raise Difference(f"{who}: {count} records, but score has {seen.get(who, NOTHING)[0]}: too many")
    total = sum(count for count, _ in got.values())
    if not total:
        raise Difference("nothing was published: nothing was compared")
    return total
