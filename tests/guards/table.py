"""The table of guards, read from README.md: the one list of them."""
import os
import re
from collections import namedtuple

SIMULATOR = "leadstream_sim"     # its tests are scenarios, and seeds_N: the seeds 1 to N
HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r"^\| ([a-z0-9_]+) \| (.*) \| ([a-z0-9_]+ [a-z0-9_]+(?:, [a-z0-9_]+ [a-z0-9_]+)*) \|$", re.M)

# Its name; what happens without it; the tests that go red then, as (program, test).
Guard = namedtuple("Guard", "name trap tests")


def guards():
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as f:
        rows = ROW.findall(f.read())
    return [Guard(name, trap, [tuple(test.split()) for test in tests.split(", ")]) for name, trap, tests in rows]
