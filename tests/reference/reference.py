#!/usr/bin/env python3
"""A second leadstream, for tests only: what a score is, written again from its definition and in exact numbers.

  reference.py score [-m MODEL] [--at TIME] [--changes] [--reasons] FILE..

reads event files (JSON lines, `-` is stdin) and prints the JSON lines that `leadstream score --output jsonl` must
print, with one exception: records carry no `id`. It shares no code with the product and no way of computing either:
big integers, powers of two with 256 bits and error bounds, sums done again from all terms on every reading. It is
slow and simple.

  ref_numbers.py        powers of two, decayed counts, rounding
  ref_model.py          the model file and its conditions (valid models only)
  ref_events.py         JSON lines to events; merging files
  ref_lead.py           one lead: memory, decisions, the search for the next instant
  xxh3.py               the hash that orders event ids of one time
  generate_cases.py     SEED -> a random model and event files that look for corners
  compare.py            runs the product and this on many seeds; the first difference ends it, with files kept
  test_reference.py     this program against examples computed by hand

It needs Python 3.11 and python3-yaml. When the two programs differ, one of them is wrong: the definition decides.
"""

import argparse
import json
import sys

from ref_events import BadLine, Number, parse_time, read_merged, time_text
from ref_lead import Lead
from ref_model import Model
from ref_numbers import cents_text


class _Raw(str):
    """Text that is JSON already: a score in its shortest form."""


def encode(value):
    """JSON in one line; _Raw as it stands."""
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def score(value):
    """Hundredths as a JSON number."""
    return _Raw(cents_text(value))


def present(names):
    """Without the keys whose value is None: a model without grades has none in its records."""
    return {k: v for k, v in names.items() if v is not None}


def reason_line(reason):
    """A reason with its numbers as text."""
    return {k: score(v) if k in ("points", "count") else v for k, v in reason.items()}


def stage_name(model, stage):
    """The name of a stage, None in a model without."""
    return None if stage is None else model.stages[stage]["name"]


def record_line(model, record):
    """A record as JSON, in the order of keys that the product has."""
    if record["kind"] == "erased":
        return encode({**record, "at": time_text(record["at"])})
    line = {k: record[k] for k in ("kind", "lead")}
    line["at"], line["trigger"] = time_text(record["at"]), record["trigger"]
    line["cause"] = _Raw(encode(record["cause"]))
    for part in ("total", "engagement", "fit"):
        line[part] = score(record[part])
    line["groups"] = {name: score(s) for (name, _, _), s in zip(model.groups, record["groups"])}
    line |= present({"grade": record["grade"], "stage": stage_name(model, record["stage"]), "route": record["route"]})
    if "previous" in record:
        last = record["previous"]
        line["previous"] = {"total": score(last["total"])} | present(
            {"grade": last["grade"], "stage": stage_name(model, last["stage"]), "route": last["route"]})
    line["model"], line["version"] = model.name, model.version
    if "reasons" in record:
        line["reasons"] = [reason_line(r) for r in record["reasons"]]
    return encode(line)


def lead_line(model, lead, at, with_reasons):
    """(total, the line of a lead as of a time), its timers up to then having fired."""
    scores, stage, grade, route, _ = lead.evaluate(at)
    line = {"lead": lead.key, "total": score(scores.total), "engagement": score(scores.engagement),
            "fit": score(scores.fit), "groups": {n: score(s) for (n, _, _), s in zip(model.groups, scores.groups)}}
    line |= present({"grade": grade, "stage": stage_name(model, stage), "route": route})
    line |= {"as_of": time_text(at), "events": lead.events}
    if with_reasons:
        line["reasons"] = [reason_line(r) for r in lead.reasons(at)]
        line["profile"] = dict(sorted(lead.texts.items()))
    return scores.total, encode(line)


def play(model, events, until):
    """Applies the events and fires all timers up to a time: (leads by key, records in the order of their making)."""
    leads, records = {}, []
    for event in events:
        if event.lead not in leads:
            leads[event.lead] = Lead(event.lead, model, records.append)
        leads[event.lead].take(event)
    for lead in leads.values():
        lead.fire_timers(until)
    return leads, records


def read_lines(name):
    """The lines of a file as bytes, without their newlines."""
    data = sys.stdin.buffer.read() if name == "-" else open(name, "rb").read()
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def parse_at(text):
    """--at: RFC 3339 or integer milliseconds."""
    return parse_time(Number(text) if text.lstrip("-").isdigit() else text)


def run_score(options):
    """The lines to print, and the complaints about bad lines."""
    with open(options.model, encoding="utf-8") as file:
        model = Model(file.read())
    until = None if options.at is None else parse_at(options.at)
    events, newest, complaints = read_merged([(name, read_lines(name)) for name in options.files], until)
    until = newest if until is None else until
    if until is None:
        return [], complaints
    leads, records = play(model, events, until)
    if options.changes:
        records.sort(key=lambda r: (r["at"], r["lead"].encode()))
        return [record_line(model, r) for r in records], complaints
    lines = []
    for lead in leads.values():
        if lead.time is not None:
            total, line = lead_line(model, lead, until, options.reasons)
            lines.append((-total, lead.key.encode(), line))
    return [line for _, _, line in sorted(lines)], complaints


def main():
    parser = argparse.ArgumentParser(description="leadstream's score, computed independently")
    parser.add_argument("command", choices=["score"])
    parser.add_argument("-m", "--model", default="config/model.yaml")
    parser.add_argument("--at")
    parser.add_argument("--changes", action="store_true")
    parser.add_argument("--reasons", action="store_true")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    try:
        lines, complaints = run_score(options)
    except BadLine as error:
        sys.exit(f"--at: {error}")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in lines:
        print(line)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
