#!/usr/bin/env python3
"""test_score.py PROGRAM: `score` and `generate` as a user calls them."""

import datetime
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import avro.datafile
import avro.io
import avro.schema

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parent.parent / "schemas"
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "leadstream"
DAY = 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def event(lead, number, day, kind="web.page_viewed", **fields):
    """An event as a JSON line."""
    names = {"lead": lead, "id": f"e-{number}", "type": kind, "time": START + int(day * DAY)}
    return json.dumps(names | ({"fields": fields} if fields else {}))


# Three leads: a is warm from its third page on and a boss; b and c have two pages each; d asks to be forgotten.
EVENTS = [
    event("a", 1, 0), event("c", 2, 0), event("b", 3, 0), event("d", 4, 0), event("c", 5, 1), event("b", 6, 1),
    event("a", 7, 2), event("d", 8, 2, "privacy.erased"),
    event("a", 9, 3, "form.submitted", title="Head of IT", phone="+49 1", shoe_size="44"),
    event("b", 6, 3), event("a", 10, 4),
]


class Score(unittest.TestCase):
    """Each test has a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "model.yaml").write_bytes((HERE / "model.yaml").read_bytes())

    def write(self, name, lines):
        """A file of lines."""
        (self.folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return name

    def run_it(self, *arguments, stdin=b"", code=0):
        """stdout of the program, as bytes; stderr stays in self.err."""
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, input=stdin, capture_output=True, timeout=60,
                              check=False)
        self.err = done.stderr.decode()
        self.assertEqual(done.returncode, code, self.err)
        return done.stdout

    def score(self, *arguments, **more):
        """The lines of `score` as values."""
        return [json.loads(line) for line in self.run_it("score", *arguments, **more).splitlines()]

    def test_leads_are_ranked(self):
        lines = self.score(self.write("events.jsonl", EVENTS))
        self.assertEqual([(line["lead"], line["total"]) for line in lines], [("a", 65), ("b", 20), ("c", 20)])
        self.assertEqual(lines[0], {
            "lead": "a", "total": 65, "engagement": 45, "fit": 20, "groups": {"web": 30, "form": 15}, "grade": "A1",
            "stage": "warm", "route": "sales", "as_of": "2026-01-05T00:00:00.000Z", "events": 4})
        self.assertEqual(lines[1]["events"], 2, "a duplicate is not counted")
        self.assertEqual(self.err, "")

    def test_reasons_and_profile(self):
        line = self.score("--reasons", self.write("events.jsonl", EVENTS))[0]
        self.assertEqual(line["reasons"], [{"rule": "page", "points": 30, "count": 3}, {"rule": "boss", "points": 20},
                                           {"rule": "form", "points": 15, "count": 1}])
        self.assertEqual(line["profile"], {"phone": "+49 1", "title": "Head of IT"})

    def test_as_of_a_time(self):
        name = self.write("events.jsonl", EVENTS + ["{}"])
        early = self.score("--at", "2026-01-03T12:00:00+12:00", name, code=1)
        self.assertEqual([(line["lead"], line["total"]) for line in early],
                         [("a", 20), ("b", 20), ("c", 20)])
        self.assertEqual(early[0]["as_of"], "2026-01-03T00:00:00.000Z")
        self.assertEqual(early, self.score("--at", str(START + 2 * DAY), name, code=1))
        self.assertIn("events.jsonl:12: lead is missing\n", self.err)
        later = self.score("--at", "2027-01-01T00:00:00Z", name, code=1)
        self.assertEqual(later[0]["as_of"], "2027-01-01T00:00:00.000Z")
        self.assertEqual(self.score("--at", "2025-01-01T00:00:00Z", name, code=1), [])

    def test_changes(self):
        records = self.score("--changes", self.write("events.jsonl", EVENTS))
        told = [(r["at"][:10], r["lead"], r["kind"], r.get("total")) for r in records]
        self.assertEqual(told, [
            ("2026-01-01", "a", "score_changed", 10), ("2026-01-01", "b", "score_changed", 10),
            ("2026-01-01", "c", "score_changed", 10), ("2026-01-01", "d", "score_changed", 10),
            ("2026-01-02", "b", "score_changed", 20), ("2026-01-02", "c", "score_changed", 20),
            ("2026-01-03", "a", "score_changed", 20), ("2026-01-03", "d", "erased", None),
            ("2026-01-04", "a", "score_changed", 55), ("2026-01-04", "a", "sales_ready", 55),
            ("2026-01-05", "a", "score_changed", 65)])
        self.assertEqual(" ".join(records[0]), "kind id lead at trigger cause total engagement fit groups grade stage "
                                               "route previous model version")
        self.assertEqual(list(records[9])[-3:], ["model", "version", "reasons"])

    def test_several_files_are_merged(self):
        whole = self.run_it("score", "--changes", self.write("events.jsonl", EVENTS))
        parts = [self.write(f"part-{i}.jsonl", EVENTS[i::3]) for i in range(3)]
        self.assertEqual(self.run_it("score", "--changes", *parts), whole)
        text = (self.folder / parts[1]).read_bytes()
        self.assertEqual(self.run_it("score", "--changes", parts[0], "-", parts[2], stdin=text), whole)

    def test_a_file_is_read_in_its_own_order(self):
        # The form comes first though it is later: the pages before it are late, and are evaluated at its time.
        records = self.score("--changes", self.write("events.jsonl", [EVENTS[8], EVENTS[0]]))
        self.assertEqual([(r["at"][:10], r["total"]) for r in records if r["kind"] == "score_changed"],
                         [("2026-01-04", 35), ("2026-01-04", 45)])

    def test_bad_lines_do_not_stop_it(self):
        good = self.score(self.write("events.jsonl", EVENTS))
        bad = [EVENTS[0], "nonsense", *EVENTS[1:], '{"lead":"a"}', ""]
        name = self.write("bad.jsonl", bad)
        self.assertEqual(self.score(name, code=1), good)
        self.assertEqual(self.err.splitlines()[1:], ["bad.jsonl:13: id is missing",
                                                     "leadstream score: 2 bad lines (--dead-letters FILE keeps them)"])
        self.assertEqual(self.score("--dead-letters", "letters.jsonl", name), good)
        letters = [json.loads(line) for line in (self.folder / "letters.jsonl").read_text().splitlines()]
        self.assertEqual([(x["file"], x["line"], x["code"], x.get("lead"), x["text"]) for x in letters],
                         [(name, 2, "malformed", None, "nonsense"), (name, 13, "missing", "a", '{"lead":"a"}')])

    def test_it_says_what_the_model_may_not_mean(self):
        """Texts that are no numbers, a regular expression that gives up, events too old for the ids."""
        model = self.folder / "model.yaml"
        model.write_text("model: m\nversion: 1\ndedupe: {ids: 2}\n"
                         "engagement: {half_life: none, groups: {web: {rules: [{id: page, on: web.page_viewed,"
                         " points: 1, when: {url: {not: {matches: '^(a+)+$'}}}}]}}}\n"
                         "fit: {rules: [{id: size, of: size, bands: [{from: 10, points: 5}]}]}\n", encoding="utf-8")
        plain = [event("a", 0, 8, "form.submitted", size="12"), event("a", 1, 9, url="/")]
        self.assertEqual(self.score(self.write("plain.jsonl", plain))[0]["total"], 6)
        self.assertEqual(self.err, "")
        odd = plain + [event("a", 2, 12, url="a" * 40 + "!"), event("a", 3, 13, "form.submitted", size="some"),
                       event("a", 4, 1, url="/"), event("a", 5, 2, url="/")]
        self.assertEqual(self.score(self.write("odd.jsonl", odd))[0]["total"], 4)
        self.assertEqual(self.err.splitlines(), [
            "leadstream score: an event was older than all ids remembered of its lead, so it counts even if it came "
            "before (dedupe.ids): 2 times",
            "leadstream score: a numeric test met a text that is no number, and did not hold: once",
            "leadstream score: a regular expression gave up at its limit, and did not hold: once"])

    def test_dead_letters_never_overwrite_the_events(self):
        """By whatever name: the file of events is still whole."""
        name = self.write("events.jsonl", EVENTS)
        (self.folder / "link.jsonl").symlink_to(name)
        before = (self.folder / name).read_bytes()
        for letters in (name, "./events.jsonl", "link.jsonl"):
            self.run_it("score", "--dead-letters", letters, name, code=2)
            self.assertIn("would be overwritten", self.err)
            self.assertEqual((self.folder / name).read_bytes(), before)

    def test_no_events(self):
        self.assertEqual(self.score(self.write("empty.jsonl", [])), [])
        self.assertEqual(self.score("--changes", "empty.jsonl"), [])
        self.assertEqual(self.score("-", stdin=b"\n \n"), [])

    def test_a_table(self):
        self.write("events.jsonl", EVENTS)
        self.assertEqual(self.run_it("score", "--output", "table", "events.jsonl").decode(), (
            "LEAD      TOTAL  GRADE  STAGE  ROUTE    ENGAGEMENT        FIT    EVENTS  WHY\n"
            "a            65  A1     warm   sales            45         20         4  page +30, boss +20, form +15\n"
            "b            20  D2     cold   nurture          20          0         2  page +20\n"
            "c            20  D2     cold   nurture          20          0         2  page +20\n"))

    def container(self, lines, codec="null"):
        """The web events among the lines as an Avro container file, by another's hand."""
        schema = avro.schema.parse((SCHEMAS / "WebEvent.avsc").read_text(encoding="utf-8"))
        out = io.BytesIO()
        with avro.datafile.DataFileWriter(out, avro.io.DatumWriter(), schema, codec=codec) as writer:
            for line in map(json.loads, lines):
                if line["type"].startswith("web."):
                    writer.append({"lead": line["lead"], "id": line["id"], "type": line["type"][4:],
                                   "time": datetime.datetime.fromtimestamp(line["time"] / 1000, datetime.timezone.utc),
                                   "machine": False, "fields": {}})
            writer.flush()
            return out.getvalue()

    def test_avro_containers(self):
        web = [line for line in EVENTS if '"web.' in line]
        whole = self.run_it("score", "--changes", self.write("events.jsonl", web))
        for codec in ("null", "deflate"):
            (self.folder / "events.avro").write_bytes(self.container(web, codec))
            self.assertEqual(self.run_it("score", "--changes", "events.avro"), whole)
        self.assertEqual(self.run_it("score", "--changes", "-", stdin=self.container(web)), whole)
        self.write("odd.jsonl", web[1::2])
        (self.folder / "even.avro").write_bytes(self.container(web[::2]))
        self.assertEqual(self.run_it("score", "--changes", "even.avro", "odd.jsonl"), whole)

    def test_a_damaged_container(self):
        web = [line for line in EVENTS if '"web.' in line]
        data = self.container(web[:4])
        (self.folder / "cut.avro").write_bytes(data[:-1])
        self.run_it("score", "cut.avro", code=1)
        self.assertIn("cut.avro:", self.err)
        (self.folder / "head.avro").write_bytes(data[:100])
        self.run_it("score", "head.avro", code=1)
        self.assertIn("head.avro: the file is cut off", self.err)

    def test_generate(self):
        arguments = ["--events", "3000", "--leads", "100", "--duplicates", "1%", "--late", "2%", "--rubbish", "1%"]
        first = self.run_it("generate", *arguments)
        self.run_it("generate", *arguments, "-o", "again.jsonl")
        self.assertEqual((self.folder / "again.jsonl").read_bytes(), first)
        self.assertNotEqual(self.run_it("generate", *arguments, "--seed", "2"), first)
        self.assertEqual(len(first.splitlines()), 3000)
        lines = self.score("again.jsonl", code=1)
        self.assertGreater(len(lines), 60)
        self.assertRegex(self.err.splitlines()[-1], r"^leadstream score: \d+ bad lines")


if __name__ == "__main__":
    unittest.main(verbosity=1)
