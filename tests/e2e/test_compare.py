"""The comparison itself must see every kind of difference: a test that cannot fail proves nothing."""

import unittest

import compare
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
