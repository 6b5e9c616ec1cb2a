#!/usr/bin/env python3
"""The reference against examples computed by hand from the definition, and against slower ways of its own.

Times in these plays are small offsets from a Monday, 2026-11-23T00:00Z (`DAY0`), so that windows are easy to follow.
"""

import json
import os
import random
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ref_events import BadLine, Number, parse_line, parse_time, plain_decimal, read_merged, time_text  # noqa: E402
from ref_lead import Lead  # noqa: E402
from ref_model import Model  # noqa: E402
from ref_numbers import POINT, Curve, bucket_weight, cents, cents_text, fall, fixed  # noqa: E402
from reference import lead_line, play, record_line  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

HOUR, DAY = 3_600_000, 86_400_000
DAY0 = 1_795_392_000_000
HEAD = "model: m\nversion: 1\n"
ONE_RULE = HEAD + "engagement: {half_life: 1d, groups: {g: {rules: [{id: r, on: a, points: 8}]}}}\n"
READY = ONE_RULE + "sales_ready: {when: {total: {at_least: 8}}, cooldown: 2d}\npublish: {drift: none}\n"


def event(lead, name, kind, time, machine=None, **fields):
    """A parsed event."""
    line = {"lead": lead, "id": name, "type": kind, "time": time, "fields": fields, "machine": machine}
    return parse_line(json.dumps(line).encode())


def run(model_text, events, until=None):
    """(leads, records as dictionaries without the parts that only tell the model)."""
    model = Model(model_text)
    leads, records = play(model, events, max(e.time for e in events) if until is None else until)
    lines = [json.loads(record_line(model, r)) for r in records]
    return leads, lines


def scores(model_text, events, until):
    """The lead line of the only lead."""
    model = Model(model_text)
    leads, _ = play(model, events, until)
    (lead,) = leads.values()
    return json.loads(lead_line(model, lead, until, True)[1])


class Numbers(unittest.TestCase):
    def test_hash_has_its_published_values(self):
        for data, value in ((b"", 0x2D06800538D394C2), (b"a", 0xE6C632B61E964E1F), (b"abcd", 0x6497A96F53A89890),
                            (b"e-9001-abcdef", 0x3D0609463E66348E), (bytes(range(60)), 0x0C5E8CA8A3B5C850),
                            (bytes(range(200)), 0xF42A8864FEAF0703), (bytes(range(256)), 0x9408A4433B952D71),
                            (bytes(range(256)) * 5, 0x4844B009E164352E)):
            self.assertEqual(xxh3_64(data), value, len(data))

    def test_powers_of_two(self):
        self.assertEqual(fall(3, 1, 64), 1 << 61)
        root = fall(1, 2, 256)                        # 2^-1/2, so its square is a half
        self.assertLessEqual(root ** 2, 1 << 511)
        self.assertGreaterEqual((root + 2) ** 2, 1 << 511)
        for numerator, denominator in ((1, 3), (2, 7), (99, 100), (1, 3_153_600_000_000)):
            low = fall(numerator, denominator, 128)
            if denominator < 1000:
                exact = 1 << (128 * denominator - numerator)
                self.assertTrue(low ** denominator <= exact <= (low + 2) ** denominator)
            else:
                self.assertTrue(Fraction(1) - Fraction(low, 1 << 128) < Fraction(1, denominator))

    def test_weight_is_the_floor_of_the_true_value(self):
        self.assertEqual(bucket_weight(5 * DAY, DAY), 1 << 32)
        self.assertEqual(bucket_weight(DAY // 2, DAY), 6074000999)       # 2^32.5 = 6074000999.95..
        self.assertEqual(bucket_weight(DAY - 1, DAY), 8589934523)        # 2^33 - 68.9..

    def test_rounding_is_half_away_from_zero(self):
        half = POINT // 200
        self.assertEqual([cents(v) for v in (half, half - 1, -half, -half + 1, 3 * half)], [1, 0, -1, 0, 2])
        self.assertEqual([cents_text(v) for v in (2000, 5250, 0, -5, 100001)], ["20", "52.5", "0", "-0.05", "1000.01"])
        self.assertEqual([fixed(t, 2) for t in ("1", "-0.5", "12.34")], [100, -50, 1234])

    def test_worth_is_cut_toward_zero(self):
        term = [(0, 1 << 32)]
        self.assertEqual(Curve(80_000, DAY, term).worth(DAY), 4 * POINT)
        up, down = (Curve(sign * 30_000, DAY, term).worth(DAY // 3) for sign in (1, -1))
        self.assertEqual(up, -down)
        self.assertTrue(up ** 3 < (30_000 << 32) ** 3 // 2 < (up + 1) ** 3)

    def test_a_term_dies_after_32_half_lives(self):
        curve = Curve(10 ** 10, DAY, [(0, 1 << 32)])
        self.assertEqual(curve.worth(32 * DAY), 10 ** 10)
        self.assertEqual(curve.worth(32 * DAY + 1), 0)


class Events(unittest.TestCase):
    def test_plain_decimals(self):
        for text, plain in (("250.0", "250"), ("1e3", "1000"), ("-0", "0"), ("-0.0e5", "0"), ("12e-1", "1.2"),
                            ("1E+2", "100"), ("0.10", "0.1"), ("1e-3", "0.001"), ("-3.250", "-3.25"), ("100e-2", "1"),
                            ("0.05e1", "0.5")):
            self.assertEqual(plain_decimal(text), plain, text)

    def test_times(self):
        self.assertEqual(parse_time("2026-11-23T00:00:00Z"), DAY0)
        self.assertEqual(parse_time("2026-11-23t01:30:00.0019+01:30"), DAY0 + 1)
        self.assertEqual(parse_time(Number("1795392000000")), DAY0)
        self.assertEqual(time_text(DAY0 + 5), "2026-11-23T00:00:00.005Z")
        self.assertEqual(parse_time("2100-01-01T00:00:00Z"), 4_102_444_800_000)
        for bad in ("2026-11-23T00:00:60Z", "2026-11-23 00:00:00Z", "2026-11-23T00:00:00", "2026-02-29T00:00:00Z",
                    "2100-01-01T00:00:00.001Z", "1999-12-31T23:59:59.999Z",
                    Number("1.5e12"), Number("1795392000000.0")):
            with self.assertRaises(BadLine, msg=bad):
                parse_time(bad)

    def test_lines(self):
        good = b'{"lead":"a","id":"b","type":"c","time":1795392000000,"fields":{"n":1.50,"t":true,"z":null,"e":""}}'
        self.assertEqual(parse_line(good).fields, {"n": "1.5", "t": "true", "z": None, "e": None})
        self.assertIsNone(parse_line(b" \t "))
        for bad in (b"{", b"[]", good + b"}", b"\xef\xbb\xbf" + good, good.replace(b'"id"', b'"lead"'), b"\xff",
                    good.replace(b'"z":null', b'"n":null'), good.replace(b'"n"', b'"\\u0074"'),
                    good.replace(b'"a"', b'""'), good.replace(b"1.50", b"[1]"), good.replace(b'"c"', b'"C"'),
                    good.replace(b"1.50", b"NaN")):
            with self.assertRaises(BadLine, msg=bad):
                parse_line(bad)

    def test_files_are_merged_by_their_heads(self):
        def line(name, time):
            return b'{"lead":"a","id":"%s","type":"c","time":%d}' % (name, DAY0 + time)
        files = [("x", [line(b"1", 5), line(b"2", 1), b"nonsense", line(b"3", 9)]),
                 ("y", [line(b"4", 5), line(b"5", 20)])]
        events, newest, complaints = read_merged(files, DAY0 + 10)
        self.assertEqual([e.id for e in events], ["1", "2", "4", "3"])
        self.assertEqual((newest, len(complaints)), (DAY0 + 20, 1))


class Conditions(unittest.TestCase):
    def holds(self, condition, **fields):
        return Model(HEAD).holds_for_fields(condition, fields)

    def test_texts(self):
        self.assertTrue(self.holds({"a": "XY"}, a="xy"))
        self.assertFalse(self.holds({"a": "Ü"}, a="ü"))
        self.assertTrue(self.holds({"a": {"starts_with": "x", "ends_with": "Z"}}, a="XyZ"))
        self.assertTrue(self.holds({"field.any": {"in": ["p", "q"]}}, any="Q"))
        self.assertFalse(self.holds({"a": {"matches": "^x"}}, a="Xy"))
        self.assertTrue(self.holds({"any": [{"a": "n"}, {"all": [{"a": "x"}, {"not": {"a": "y"}}]}]}, a="x"))

    def test_an_absent_value_fails_all_but_exists_false_and_not(self):
        for test, answer in (("x", False), ({"exists": "false"}, True), ({"not": "x"}, True),
                             ({"not": {"exists": "true"}}, True), ({"below": "5"}, False),
                             ({"not": {"not": "x"}}, False)):
            self.assertEqual(self.holds({"a": test}), answer, test)

    def test_numbers_are_compared_exactly_and_whole(self):
        for text, answer in (("20", True), ("20.0000", True), ("+20", True), ("020", True),
                             ("019.999999999999999999999", False), ("20 ", False), ("2e1", False),
                             ("20.", False), ("٢٠", False), ("20\n", False)):
            self.assertEqual(self.holds({"a": {"at_least": "20"}}, a=text), answer, text)


class Decay(unittest.TestCase):
    def test_half_after_a_half_life(self):
        line = scores(ONE_RULE, [event("l", "1", "a", DAY0)], DAY0 + DAY)
        self.assertEqual((line["total"], line["reasons"]), (4, [{"rule": "r", "points": 4, "count": 0.5}]))
        self.assertEqual(scores(ONE_RULE, [event("l", "1", "a", DAY0)], DAY0 + DAY // 2)["total"], 5.66)

    def limited(self, limit, half_life="1d"):
        rule = f"{{id: r, on: a, points: 8, half_life: {half_life}, limit: {limit}}}"
        return HEAD + f"engagement: {{groups: {{g: {{rules: [{rule}]}}}}}}\n"

    def test_a_window_counts_its_events_at_the_newest(self):
        events = [event("l", str(i), "a", DAY0 + t) for i, t in enumerate((0, HOUR, 12 * HOUR, DAY))]
        # The first day: min(3, 2) events at 12:00, half a day before; the second day: one, now.
        self.assertEqual(scores(self.limited("{count: 2, per: 1d}"), events, DAY0 + DAY)["total"], 19.31)

    def test_windows_are_aligned_to_mondays(self):
        sunday = [event("l", "1", "a", DAY0 - 1), event("l", "2", "a", DAY0)]
        self.assertEqual(scores(self.limited("{count: 1, per: 1w}", "7d"), sunday, DAY0)["reasons"][0]["count"], 2)
        end = DAY0 + 7 * DAY - 1
        monday = [event("l", "1", "a", DAY0), event("l", "2", "a", end)]
        self.assertEqual(scores(self.limited("{count: 1, per: 1w}", "7d"), monday, end)["reasons"][0]["count"], 1)

    def test_lifetime_and_no_half_life(self):
        events = [event("l", str(i), "a", DAY0 + i * DAY) for i in range(5)]
        constant = self.limited("{count: 3, per: lifetime}", "none")
        self.assertEqual(scores(constant, events, DAY0 + 900 * DAY)["total"], 24)
        self.assertEqual(scores(self.limited("{count: 3, per: lifetime}"), events, DAY0 + 5 * DAY)["total"], 12)

    def test_once_per_value(self):
        model = self.limited("{once_per: c}")
        values = [("x", 0), ("y", HOUR), ("x", DAY), (None, DAY), ("", DAY), ("X", DAY)]
        events = [event("l", str(i), "a", DAY0 + t, c=v) for i, (v, t) in enumerate(values)]
        # x and X are two values, at one day; y is 23 hours old: 8 * (2 + 2^(-23/24)) = 20.117...
        self.assertEqual(scores(model, events, DAY0 + DAY)["total"], 20.12)

    def test_128_values_are_kept(self):
        events = [event("l", str(i), "a", DAY0 + i, c=str(i)) for i in range(200)]
        model = self.limited("{once_per: c}", "none")
        self.assertEqual(scores(model, events, DAY0 + 200)["reasons"][0]["count"], 128)

    def test_clamps_weights_and_reasons(self):
        model = HEAD + """
engagement:
  half_life: none
  max: 9.99
  groups:
    g: {max: 6, rules: [{id: b, on: a, points: 8}]}
    h: {rules: [{id: a, on: a, points: 8}, {id: c, on: a, points: 0.004}]}
fit: {max: 5, rules: [{id: d, when: {x: {exists: false}}, points: 7.5}]}
total: {engagement: 0.5, fit: 2, max: 14}
"""
        line = scores(model, [event("l", "1", "a", DAY0)], DAY0)
        shown = [line[part] for part in ("groups", "engagement", "fit", "total")]
        self.assertEqual(shown, [{"g": 6, "h": 8}, 9.99, 5, 14])
        self.assertEqual(line["reasons"], [
            {"rule": "a", "points": 8, "count": 1}, {"rule": "b", "points": 8, "count": 1},
            {"rule": "d", "points": 7.5}, {"clamp": "group.g", "points": -2}, {"clamp": "engagement", "points": -4.01},
            {"clamp": "fit", "points": -2.5}, {"weight": "engagement", "points": -5}, {"weight": "fit", "points": 5},
            {"clamp": "total", "points": -1}, {"rounding": "total", "points": 0.01}])
        self.assertEqual(round(sum(r["points"] for r in line["reasons"]), 2), 14)


class Decisions(unittest.TestCase):
    def test_duplicates_end_where_they_are_known(self):
        model = ONE_RULE + "dedupe: {ids: 1}\npublish: {drift: none}\n"
        times = [("1", 0), ("1", 5), ("2", 10), ("1", 12), ("0", 3), ("0", 3)]
        leads, _ = run(model, [event("l", n, "a", DAY0 + t) for n, t in times])
        # 1 again at 12 is taken: 2 had pushed it out. 0 is below a full set, both times.
        self.assertEqual(leads["l"].events, 5)

    def test_ids_of_one_time_are_kept_by_hash(self):
        names = sorted("pqrs", key=lambda n: xxh3_64(n.encode()))
        model = ONE_RULE + "dedupe: {ids: 2}\n"
        leads, _ = run(model, [event("l", n, "a", DAY0) for n in list("pqrs") + names[2:]])
        self.assertEqual(leads["l"].events, 4)

    def test_stages_climb_and_fall_with_hysteresis(self):
        model = HEAD + """
engagement: {half_life: 1d, groups: {g: {rules: [{id: r, on: a, points: 8}]}}}
stages: [{name: cold}, {name: warm, enter: 5, leave: 4}, {name: hot, enter: 8}]
publish: {min_change: 100, drift: none}
"""
        _, records = run(model, [event("l", "1", "a", DAY0)], DAY0 + 9 * DAY)
        # Rounded scores are compared: hot is left when 8 * 2^-t falls below 7.195 (after 13219.66 s), warm below 3.995.
        self.assertEqual([r["at"][8:19] for r in records], ["23T00:00:00", "23T03:40:19", "24T00:02:35"])
        self.assertEqual([r["stage"] for r in records], ["hot", "warm", "cold"])
        self.assertEqual([r["trigger"] for r in records], ["event", "time", "time"])

    def test_ready_once_until_it_was_false_and_the_cooldown_has_passed(self):
        times = [0, DAY, DAY + HOUR, 40 * DAY]
        _, records = run(READY, [event("l", str(t), "a", DAY0 + t) for t in times], DAY0 + 50 * DAY)
        ready = [(r["at"], r["trigger"]) for r in records if r["kind"] == "sales_ready"]
        # False from the first millisecond on, true again at one day; armed, but the cooldown ends at two days. Then
        # it is true still: at 25 hours 8 were added, and 8 * (2^-2 + 2^-1 + 2^-(23/24)) = 10.1 are left.
        self.assertEqual(ready, [("2026-11-23T00:00:00.000Z", "event"), ("2026-11-25T00:00:00.000Z", "time"),
                                 ("2027-01-02T00:00:00.000Z", "event")])

    def test_ready_is_published_once_while_it_stays_true(self):
        events = [event("l", str(t), "a", DAY0 + t) for t in range(4)]
        _, records = run(READY.replace("2d", "0s"), events, DAY0 + 9 * DAY)
        self.assertEqual([r["at"][17:] for r in records if r["kind"] == "sales_ready"], ["00.000Z"])

    def test_a_late_event_is_evaluated_where_the_lead_is(self):
        _, records = run(ONE_RULE, [event("l", "1", "a", DAY0 + DAY), event("l", "2", "a", DAY0)])
        self.assertEqual([(r["at"][8:13], r["total"]) for r in records], [("24T00", 8), ("24T00", 12)])

    def test_outcomes_close_and_open(self):
        events = [event("l", "1", "crm.accepted", DAY0), event("l", "2", "a", DAY0), event("l", "3", "a", DAY0),
                  event("l", "4", "crm.recycled", DAY0 + HOUR, machine=True)]
        _, records = run(READY, events, DAY0 + 9 * DAY)
        ready = [(r["at"], r["trigger"]) for r in records if r["kind"] == "sales_ready"]
        # Recycled at 01:00: not before two days later, when 16 has fallen to 4, so never.
        self.assertEqual(ready, [])
        _, records = run(READY.replace("2d", "0s"), events, DAY0 + 9 * DAY)
        ready = [(r["at"], r["cause"]) for r in records if r["kind"] == "sales_ready"]
        self.assertEqual(ready, [("2026-11-23T01:00:00.000Z", "4")])

    def test_a_machine_moves_time_but_scores_only_where_asked(self):
        model = ONE_RULE.replace("points: 8", "points: 8, machine: count") + "profile: {keep: [x]}\n"
        events = [event("l", "1", "a", DAY0, True), event("l", "2", "form.submitted", DAY0, True, x="y")]
        leads, _ = run(model, events)
        self.assertEqual((leads["l"].scores(DAY0).total, leads["l"].texts, leads["l"].events), (800, {}, 2))

    def test_the_profile_keeps_the_newest_and_at_one_time_the_greater(self):
        model = HEAD + "profile: {keep: [x, y]}\n"
        plays = [
            ([("form.submitted", 1, "b"), ("form.submitted", 1, "a"), ("form.submitted", 0, "z")], {"x": "b"}),
            ([("form.submitted", 1, "b"), ("form.submitted", 2, None)], {"x": "b"}),
            ([("crm.profile_updated", 2, ""), ("form.submitted", 1, "b")], {}),
            ([("crm.profile_updated", 1, None), ("form.submitted", 1, "b")], {"x": "b"}),
            ([("form.submitted", 1, "b"), ("crm.profile_updated", 1, None)], {"x": "b"}),
            ([("web.page_viewed", 1, "b")], {}),
        ]
        for steps, profile in plays:
            leads, _ = run(model, [event("l", str(i), k, DAY0 + t, x=v) for i, (k, t, v) in enumerate(steps)])
            self.assertEqual(leads["l"].texts, profile, steps)

    def test_erasure(self):
        events = [event("l", "1", "a", DAY0 + DAY), event("l", "2", "privacy.erased", DAY0), event("l", "1", "a", DAY0),
                  event("l", "3", "privacy.erased", DAY0), event("l", "1", "a", DAY0 + 1),
                  event("k", "9", "privacy.erased", DAY0 + 2)]
        leads, records = run(ONE_RULE, events, DAY0 + 2)
        self.assertEqual([(r["kind"], r["lead"], r["at"][11:]) for r in records],
                         [("score_changed", "l", "00:00:00.000Z"), ("erased", "l", "00:00:00.000Z"),
                          ("score_changed", "l", "00:00:00.001Z"), ("erased", "k", "00:00:00.002Z")])
        self.assertEqual((leads["l"].events, leads["k"].time), (1, None))


class Instants(unittest.TestCase):
    """The search for the next instant against a scan of every millisecond."""

    MODEL = HEAD + """
engagement:
  half_life: 1s
  groups:
    g: {max: 12, rules: [{id: a, on: a, points: 8}, {id: b, on: b, points: -7.5, half_life: 2s}]}
    h: {rules: [{id: c, on: c, points: -3, half_life: 3s}, {id: d, on: d, points: 5, limit: {count: 1, per: 7s}}]}
grade: {fit: {A: 1}, engagement: {1: 4, 2: 1, 3: -1}}
stages: [{name: s0}, {name: s1, enter: 2, leave: 1.99}, {name: s2, enter: 5}]
sales_ready: {when: {any: [{total: {at_least: 0.5, below: 1}}, {group.h: {above: -0.1}}]}, cooldown: 3s}
routes: [{to: up, when: {engagement: {at_least: 0}}}, {to: down, when: {not: {total: {at_least: -1}}}}, {to: rest}]
publish: {min_change: 0.5, drift: 0.5}
"""

    def scanned(self, lead, until):
        for time in range(lead.time + 1, until + 1):
            lead._scores = {}
            cooled = lead.fired_at is not None and time == lead.fired_at + lead.model.cooldown
            waits = cooled and lead.armed and lead.ready and not lead.closed
            if lead._changes(time) or waits:
                return time
        return None

    def test_no_instant_is_missed(self):
        for seed in range(6):
            rng = random.Random(seed)
            time, lead = DAY0, Lead("l", Model(self.MODEL), lambda record: None)
            for i in range(12):
                time += rng.randint(0, 900)
                lead.take(event("l", str(i), rng.choice("abcd"), time))
                until = time + 700
                self.assertEqual(lead.next_instant(until), self.scanned(lead, until), f"seed {seed}, event {i}")


if __name__ == "__main__":
    unittest.main()
