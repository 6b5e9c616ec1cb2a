#!/usr/bin/env python3
"""generate_cases.py SEED [DIR]: a random valid model and random events, looking for corners; the same from one seed.

Writes DIR/model.yaml, DIR/events-N.jsonl and DIR/arguments.json (the arguments after `score`; DIR defaults to
case-SEED). Every seed draws its own temper first: how big points are, how long half-lives, how many leads and events,
how much comes late, twice or broken. Points, thresholds and times come from small pools, so that thresholds are hit
exactly, events meet in one millisecond and powers of two are whole. generate_model.py draws the model.
"""

import datetime
import json
import pathlib
import random
import sys

from generate_model import ATTRIBUTES, DAY, EVENT_TYPES, HOUR, NUMERIC, OUTCOMES, SECOND, TEXTS, ModelMaker, dump, varied

MONDAY = 4 * DAY
LEAST, MOST = 946_684_800_000, 4_102_444_800_000
FIELDS = ["url", "campaign", "any", "Größe", "field.x", "n", "stage", "total", "not", "group.x"]
JSON_NUMBERS = ["0", "-0", "-0.0", "1.50", "1e3", "1E+3", "12e-1", "5", "250.0", "0.10", "-3.250", "20.00", "2e1",
                "0e9", "1e-3", "12345678901234567890.1230", "19.99", "100e-2", "-1.5e0", "1000"]


class EventMaker:
    """Draws events whose times aim at the corners of the model's half-lives and windows."""

    def __init__(self, rng, maker, count, leads):
        self.rng, self.maker, self.count = rng, maker, count
        self.leads = [rng.choice(["l-%d", "lead %d", "ü%d", "\"%d\"", "L-%d", "日%d"]) % i for i in range(leads)]
        self.lengths = maker.half_lives + maker.windows + [SECOND, HOUR]
        self.pace = rng.choice([0.02, 0.1, 0.5, 2])
        self.machine, self.duplicates = rng.choice([0, 0.15]), rng.choice([0, 0.05, 0.2])
        self.late, self.erase = rng.choice([0, 0.1, 0.4]), rng.choice([0, 0, 0.02, 0.08])
        self.crm, self.values = rng.choice([0, 0.05, 0.15]), rng.choice([3, 10, 400])
        self.burst = rng.choice([0, 0.05, 0.1])
        if maker.shape == "values":
            self.values, self.pace, self.erase = 100_000, 0.02, 0
        self.bad, self.odd = rng.choice([0, 0, 0, 0.05]), rng.choice([0, 0, 0, 0.1])

    def step(self):
        """From one event's time to the next."""
        rng = self.rng
        base = self.maker.base_half_life
        kind = rng.random()
        if kind < 0.2:
            return 0
        if kind < 0.25:
            return 1
        if kind < 0.93:
            return round(rng.expovariate(1) * self.pace * base / max(1, len(self.leads) // 4))
        if self.maker.shape == "values" and kind < 0.98:
            return base
        return rng.choice([base, 2 * base, 8 * base, 31 * base, 32 * base, 32 * base + 1, 33 * base])

    def cutoff(self, time):
        """Onto the end of what began with one of the last buckets, or of what happened at this very time."""
        rng, base = self.rng, self.maker.base_half_life * self.rng.choice([1, 2, 3])
        start = time // base * base if rng.random() < 0.5 else time
        return start + 32 * base + rng.choice([0, 1])

    def aim(self, time):
        """Now and then onto a boundary of a half-life or a window, or a millisecond beside it."""
        rng = self.rng
        if rng.random() < 0.3:
            length, origin = rng.choice([(h, 0) for h in self.lengths] + [(w, MONDAY) for w in self.maker.windows])
            time = (time - origin) // length * length + origin + length + rng.choice([0, 0, 0, -1, 1])
        return time

    def value(self):
        """A field's value as JSON text."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.45:
            return json.dumps(rng.choice(self.maker.words), ensure_ascii=rng.random() < 0.5)
        if kind < 0.65:
            return json.dumps(rng.choice(TEXTS + NUMERIC), ensure_ascii=False)
        if kind < 0.85:
            return rng.choice(JSON_NUMBERS)
        return rng.choice(["true", "false", "null", '""', "null"])

    def fields(self, kind):
        rng = self.rng
        names = ATTRIBUTES + ["phone", "other"] if kind in ("form.submitted", "crm.profile_updated",
                                                            "privacy.consent_changed") else FIELDS
        chosen = rng.sample(names, rng.randint(0, min(4, len(names))))
        parts = [f"{json.dumps(n, ensure_ascii=False)}:{self.value()}" for n in chosen if n not in ("campaign", "n")]
        if "campaign" in chosen or rng.random() < (0.95 if kind == "email.clicked" else 0.4):
            parts.append(f'"campaign":"c{rng.randrange(self.values)}"')
        if "n" in chosen:
            parts.append(f'"n":{rng.randrange(self.values)}')
        return "{" + ",".join(parts) + "}"

    def time_text(self, time):
        """The same instant, written in one of the ways that are allowed."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            return str(time)
        offset = rng.choice([0, 0, 90, -330]) if kind < 0.6 else 0
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time + offset * 60_000)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        text += f".{time % 1000:03d}" + rng.choice(["", "9", "499999999"]) if time % 1000 or kind < 0.8 else ""
        if offset:
            text += f"{'+' if offset > 0 else '-'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
        else:
            text += rng.choice(["Z", "Z", "+00:00", "-00:00"])
        return json.dumps(text.replace("T", "t").replace("Z", "z") if kind > 0.95 else text)

    def line(self, lead, name, kind, time):
        rng = self.rng
        parts = [f'"lead":{json.dumps(lead, ensure_ascii=False)}', f'"id":{json.dumps(name)}', f'"type":"{kind}"',
                 f'"time":{self.time_text(time)}']
        if rng.random() < 0.85:
            parts.append(f'"fields":{self.fields(kind)}')
        if rng.random() < self.machine:
            parts.append('"machine":true')
        elif rng.random() < 0.05:
            parts.append(rng.choice(['"machine":false', '"machine":null', '"other":{"a":[1,{"b":null}]}']))
        if rng.random() < 0.2:
            rng.shuffle(parts)
        return "{" + ",".join(parts) + "}"

    def kind(self):
        rng = self.rng
        chance = rng.random()
        if self.maker.shape == "values" and chance > 0.2:
            return "email.clicked"
        if chance < self.erase:
            return "privacy.erased"
        if chance < self.erase + self.crm:
            return rng.choice(OUTCOMES)
        return rng.choice(EVENT_TYPES)

    def events(self):
        """(when the line is met, time, line), in the order of the lines."""
        rng = self.rng
        time = rng.randint(1_700_000_000, 1_800_000_000) * SECOND
        lines, made = [], []
        for i in range(self.count):
            cut = self.maker.shape == "cutoff" and rng.random() < 0.3
            time = self.cutoff(time) if cut else self.aim(time + self.step())
            if not LEAST <= time <= MOST - 4 * DAY:
                time = rng.randint(LEAST // SECOND, LEAST // SECOND * 2) * SECOND
            lead = rng.choice(self.leads)
            name = rng.choice([f"e-{i}", f"e-{i}", f"{i:08x}-long-id-{i * i}-{'x' * (i % 90)}"])
            line = self.line(lead, name, self.kind(), time)
            met = time
            if rng.random() < self.late:
                met += round(rng.expovariate(0.5) * rng.choice([1, self.maker.base_half_life]))
            lines.append((met, time, line))
            made.append((time, lead, name, line))
            if rng.random() < self.burst:
                lines += [(time, time, line) for line in self.profile_lines(lead, i, time)]
            if rng.random() < self.duplicates:
                lines.append(self.again(rng.choice(made[-rng.choice([2, 6, 40]):]), time))
            if rng.random() < self.bad:
                lines.append((time, time, self.bad_line(line)))
            if rng.random() < self.odd:
                lines.append((time, time, self.odd_line(lead, f"o-{i}", time)))
        lines.sort(key=lambda entry: entry[0])
        return lines

    def profile_lines(self, lead, i, time):
        """Several writes of one attribute at one time, of which one must win; some have another time."""
        rng, lines = self.rng, []
        name = json.dumps(rng.choice(ATTRIBUTES), ensure_ascii=False)
        for j in range(rng.randint(2, 4)):
            kind = rng.choice(["form.submitted", "crm.profile_updated", "crm.profile_updated"])
            stamp = min(max(time + rng.choice([0, 0, 0, 1, -1]), LEAST), MOST)
            lines.append(f'{{"lead":{json.dumps(lead)},"id":"p-{i}-{j}","type":"{kind}","time":{stamp},'
                         f'"fields":{{{name}:{self.value()}}}}}')
        return lines

    def again(self, old, now):
        """An event once more: the same line, or its id at another time or with another type."""
        time, lead, name, line = old
        if self.rng.random() < 0.7:
            return max(time, now), time, line
        moved = min(max(LEAST, now + self.rng.choice([0, 1, -1, -DAY])), MOST)
        return now, moved, self.line(lead, name, self.kind(), moved)

    def bad_line(self, line):
        rng = self.rng
        return rng.choice([
            "", "   ", "{", "[]", "nonsense", line + "}", line[:-1], line.replace('"lead"', '"Lead"'),
            line.replace('"type":"', '"type":"UPPER'), line[:-1] + ',"id":"twice"}',
            line[:-1] + ',"a":{"b":1,"\\u0062":2}}',
            '{"lead":"","id":"a","type":"a","time":1700000000000}', '{"lead":"l-0","id":"a","type":"a","time":1.7e12}',
            '{"lead":"l-0","id":"a","type":"a","time":"2023-06-30T23:59:60Z"}',
            '{"lead":"l-0","id":"a","type":"a","time":"2023-02-29T00:00:00Z"}',
            '{"lead":"l-0","id":"a","type":"a","time":"1999-12-31T23:59:59.999Z"}',
            '{"lead":"l-0","id":"a","type":"a","time":"2100-01-01T00:00:00.001Z"}',
            '{"lead":"l-0","id":"a","type":"a","time":"2023-06-30 12:00:00Z"}',
            '{"lead":"l-0","id":"a","type":"a","time":"2023-06-30T12:00:00"}',
            '{"lead":"l-0","id":7,"type":"a","time":1700000000000}', '{"lead":"l-0","id":"a","type":"a"}',
            '{"lead":"l-0","id":"a","type":"a","time":1700000000000,"fields":{"a":[1]}}',
            '{"lead":"l-0","id":"a","type":"a","time":1700000000000,"fields":[]}',
            '{"lead":"l-0","id":"a","type":"a","time":1700000000000,"machine":"true"}', "\ufeff" + line])

    def odd_line(self, lead, name, time):
        """A line near a limit, on either side: some are events, some are not; the reference says which."""
        rng = self.rng
        form = ('{"lead":%s,"id":%s,"type":"form.submitted","time":%s,"fields":{%s}%s}')
        lead, name, stamp, fields, more = json.dumps(lead), json.dumps(name), str(time), '"title":"a"', ""
        kind = rng.randrange(14)
        if kind == 0:
            lead = json.dumps("x" * rng.choice([1, 255, 256, 257]))
        elif kind == 1:
            name = json.dumps("é" * rng.choice([127, 128, 129]), ensure_ascii=rng.random() < 0.5)
        elif kind == 2:
            fields = '"title":' + json.dumps("t" * rng.choice([8191, 8192, 8193]))
        elif kind == 3:
            fields = ",".join(f'"f{i}":{rng.choice(["1", "null"])}' for i in range(rng.choice([63, 64, 65])))
        elif kind == 4:
            room = 65536 + rng.choice([-1, 0, 1]) - len((form % (lead, name, stamp, fields, ',"pad":""')).encode())
            more = ',"pad":"' + "p" * room + '"'
        elif kind == 5:
            fields = '"company_size":' + rng.choice([
                "1e400", "1e-400", "1e8191", "1e8192", "01", "+1", "1.", ".5", "-", "0x1", "1e+05", "-0e-7", "1" * 40,
                "1E400000", "0e99999999999999999999"])
        elif kind == 6:
            fields = '"title":' + rng.choice([
                '"a\\/b"', '"\\u0000"', '"\\ud83d\\ude42"', '"\\ud83d"', '"\\ude42\\ud83d"', '"\t"', '"\\x"', '"\\u00e"',
                "'a'", "True", "NaN", "Infinity", '"a" "b"', '"\x7f"'])
        elif kind == 7:
            more = rng.choice([',"a":[[[{"b":[]}]]]', ',"a":[{"b":1,"b":2}]', ",", ',"machine":0', ',"machine":null',
                               ',"":1', ',"fields2":{"a":[1]}', ',"a":[1,]', ',"a":tru'])
        elif kind == 8:
            stamp = rng.choice([f"{time}.0", f"{time}e0", f'"{time}"', f"0{time}", f" {time} ", "1" * 30, "-1", "null"])
        elif kind == 9:
            stamp = '"' + rng.choice([
                "2023-06-30T24:00:00Z", "2023-06-30T12:00Z", "2023-06-30T12:00:00.Z", "2023-13-01T00:00:00Z",
                "2024-02-29T00:00:00+23:59", "2023-06-30T12:00:00+24:00", "2023-06-30T12:00:00+2:00",
                "2023-06-30T12:00:00.123456789012345678901234567890Z", " 2023-06-30T12:00:00Z", "1900-01-01T00:00:00Z",
                "2023-06-30T12:00:00,5Z", "2023-06-30T12:60:00Z", "2000-01-01T00:59:59.999+01:00",
                "2000-01-01T01:00:00+01:00", "2023-06-30T12:00:00+0200"]) + '"'
        elif kind == 10:
            fields = rng.choice(['"title":"a","title":"b"', '"title":"a","\\u0074itle":"a"', '"title":null,"title":"a"'])
        elif kind == 11:
            return rng.choice([" \t", "\t"]) + form % (lead, name, stamp, fields, more) + rng.choice([" ", "\r", "\t\r"])
        elif kind == 12:
            return (form % (lead, name, stamp, fields, more)).replace(":", " : ").replace(",", " ,\t")
        else:
            fields = "".join(rng.choice(['"title":"a"', "", '"title":{}', '"title":[]', '"título":"é"']))
        return form % (lead, name, stamp, fields, more)


def generate(seed, folder):
    """Writes a case into a folder; returns the arguments after `score` (files by their names in the folder)."""
    rng = random.Random(f"leadstream-{seed}")
    shape = rng.choice(["few"] * 20 + ["one"] * 6 + ["many"] * 6 + ["large"] + ["values"] * 2 + ["cutoff"] * 3)
    count = {"few": rng.randint(20, 80), "one": rng.choice([10, 40, 100, 300]), "many": rng.randint(60, 150),
             "large": 12, "values": 220, "cutoff": 40}[shape]
    leads = {"few": rng.randint(2, 5), "one": 1, "many": rng.randint(20, 60), "large": 2, "values": 1, "cutoff": 1}[shape]
    maker = ModelMaker(rng, shape, count // leads)
    model = maker.model()
    lines = EventMaker(rng, maker, count, leads).events()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(model, ensure_ascii=False, indent=1) if rng.random() < 0.1 else varied(dump(model), rng)
    (folder / "model.yaml").write_text(text, encoding="utf-8")
    parts = [[] for _ in range(rng.choice([1, 1, 2, 3]))]
    for _, _, line in lines:
        rng.choice(parts).append(line)
    names = []
    for i, part in enumerate(parts):
        names.append(f"events-{i}.jsonl")
        end = "\n" if part and rng.random() < 0.8 else ""
        (folder / names[-1]).write_bytes(("\n".join(part) + end).encode())
    arguments = ["-m", "model.yaml"]
    times = [time for _, time, _ in lines]
    late = [1, maker.base_half_life, 5 * maker.base_half_life, 40 * maker.base_half_life]
    late = [max(times) + after for after in late]
    at = rng.choice([None] * 6 + [rng.choice(times)] * 3 + late * 3 + [min(times) - 1])
    if at is not None:
        at = min(max(at, LEAST), MOST)
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=at)
        arguments += ["--at", moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"]
    (folder / "arguments.json").write_text(json.dumps(arguments + names))
    return arguments + names


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    where = sys.argv[2] if len(sys.argv) == 3 else f"case-{sys.argv[1]}"
    print("cd", where, "&& leadstream score", " ".join(generate(int(sys.argv[1]), where)))
