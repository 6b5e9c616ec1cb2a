"""The comparison itself must see every kind of difference: a test that cannot fail proves nothing. The same goes for what
else the tests stand on and needs no broker."""

import json
import os
import random
import tempfile
import unittest

import compare
import digests
import feeder
import quota
import topics
import traffic


def record(lead, at, total, kind="score_changed"):
    return {"kind": kind, "id": f"{lead}-{at}-{kind}", "lead": lead, "at": traffic.stamp(at), "total": total}


WANT = [record("a", 1000, 1), record("b", 1500, 5), record("a", 2000, 2), record("a", 2000, 2, "sales_ready"),
        record("a", 9000, 0)]


class CompareTest(unittest.TestCase):
    def differs(self, got, words, sure_until=5000):
        with self.assertRaisesRegex(compare.Difference, words):
            compare.same(WANT, got, sure_until)

    def test_same(self):
        self.assertEqual(compare.same(WANT, WANT, 9999), 5)

    def test_order_across_leads_is_free(self):
        compare.same(WANT, [WANT[1], WANT[3], WANT[0], WANT[2], WANT[4]], 9999)

    def test_last_may_lack_after_the_clock(self):
        self.assertEqual(compare.same(WANT, WANT[:4], 5000), 4)

    def test_last_may_not_lack_before_the_clock(self):
        self.differs(WANT[:4], "1 records missing", sure_until=9000)

    def test_missing(self):
        self.differs(WANT[:1] + WANT[2:], "b.*missing")

    def test_too_many(self):
        self.differs(WANT + [WANT[1]], "too many")

    def test_order_within_a_lead(self):
        self.differs([WANT[2], WANT[1], WANT[0], WANT[3], WANT[4]], "record 0")

    def test_other_value(self):
        self.differs([record("a", 1000, 1.01)] + WANT[1:], "total: expected 1, got 1.01")

    def test_foreign_lead(self):
        self.differs(WANT + [record("c", 1000, 1)], "too many")

    def test_twice(self):
        with self.assertRaises(compare.Difference):
            compare.unique_ids(WANT + WANT[:1])

    def test_a_key_twice(self):
        with self.assertRaises(compare.Difference):
            compare.parse('{"a":1,"a":2}')


class DigestsTest(unittest.TestCase):
    @staticmethod
    def lines(records):
        return [json.dumps(r).encode() + b"\n" for r in records]

    def same(self, got, sure=5000):
        return digests.same(self.lines(WANT), digests.of(self.lines(got)), traffic.stamp(sure))

    def differs(self, got, words, sure=5000):
        with self.assertRaisesRegex(compare.Difference, words):
            self.same(got, sure)

    def test_same(self):
        self.assertEqual(self.same(WANT, 9999), 5)

    def test_order_across_leads_is_free(self):
        self.assertEqual(self.same([WANT[1], WANT[3], WANT[0], WANT[2], WANT[4]], 9999), 5)

    def test_last_may_lack_after_the_clock(self):
        self.assertEqual(self.same(WANT[:4]), 4)

    def test_last_may_not_lack_before_the_clock(self):
        self.differs(WANT[:4], "missing", sure=9000)

    def test_missing(self):
        self.differs(WANT[:1] + WANT[2:], "b.*missing")

    def test_missing_in_between(self):
        self.differs(WANT[1:], "a.*others than")

    def test_too_many(self):
        self.differs(WANT + [WANT[1]], "too many")

    def test_order_within_a_lead(self):
        self.differs([WANT[2], WANT[1], WANT[0], WANT[3], WANT[4]], "others than")

    def test_other_value_though_others_follow(self):
        self.differs([record("a", 1000, 1.01)] + WANT[1:], "others than")

    def test_foreign_lead(self):
        self.differs(WANT + [record("c", 1000, 1)], "too many")

    def test_nothing(self):
        with self.assertRaisesRegex(compare.Difference, "nothing"):
            digests.same([], {}, traffic.stamp(5000))


class FeederTest(unittest.TestCase):
    def test_a_block_is_the_same_for_kcat_and_in_files(self):
        leads = [(f"lead-{n}", topics.partition_of(f"lead-{n}", 4)) for n in range(50)]
        block = feeder.Block(random.Random(7), leads, 4)
        stamp = traffic.stamp(1795514400123).encode()
        self.assertEqual((len(stamp), len(f"{1:0{len(feeder.ROUND)}d}")), (len(feeder.STAMP), len(feeder.ROUND)))
        whole = block.whole.replace(feeder.STAMP, stamp).replace(feeder.ROUND, b"000000001").decode()
        keyed = [one.split(topics.KEY_END) for one in whole.split(topics.RECORD_END)[:-1]]
        self.assertEqual(len({json.loads(line)["id"] for _, line in keyed}), feeder.BLOCK)
        for number, part in enumerate(block.parts):
            lines = part.replace(feeder.STAMP, stamp).replace(feeder.ROUND, b"000000001").decode().splitlines()
            self.assertEqual(lines, [line for key, line in keyed if topics.partition_of(key, 4) == number])
            for line in lines:
                self.assertEqual(json.loads(line)["time"].encode(), stamp)


class QuotaTest(unittest.TestCase):
    """Which files are written with what; that the kernel keeps to it is seen by load.py itself."""

    def written(self, root):
        found = {}
        for folder, _, names in os.walk(root):
            for name in names:
                with open(os.path.join(folder, name), encoding="ascii") as file:
                    found[name] = file.read()
        return found

    def test_version_1(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "cpu"))
            made = quota.Quota(0.25, root)
            self.assertEqual(self.written(root), {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "25000"})
            self.assertEqual(os.path.dirname(made.folder), os.path.join(root, "cpu"))

    def test_version_2(self):
        with tempfile.TemporaryDirectory() as root:
            quota.Quota(0.25, root)
            self.assertEqual(self.written(root), {"cgroup.subtree_control": "+cpu", "cpu.max": "25000 100000"})

    def test_not_allowed(self):
        with self.assertRaises(quota.NoQuota):
            quota.Quota(0.25, "/proc/no-such-folder")


class TrafficTest(unittest.TestCase):
    def test_stamp(self):
        self.assertEqual(traffic.parse_stamp(traffic.stamp(1795514400123)), 1795514400123)

    def test_same_seed_same_events(self):
        self.assertEqual(traffic.events(7, 200, 20, 0, traffic.DAY), traffic.events(7, 200, 20, 0, traffic.DAY))

    def test_murmur2_as_java(self):
        # Known values of org.apache.kafka.common.utils.Utils.murmur2, as unsigned numbers.
        for text, value in [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
                            ("abc", 479470107)]:
            self.assertEqual(topics.murmur2(text.encode()), value & 0xFFFFFFFF)


if __name__ == "__main__":
    unittest.main()
