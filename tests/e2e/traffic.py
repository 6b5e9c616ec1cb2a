"""Seeded events for the end-to-end tests: leads that read, click, fill in forms, are scanned by machines, are sold
to or lost. Times are in the past and rise strictly over the whole stream, so that no event is late unless asked."""

import datetime
import json
import random

DAY = 86_400_000
PAGES = ["/", "/blog/decay", "/pricing", "/careers", "/docs", "/pricing?plan=team"]
CAMPAIGNS = ["autumn", "webinar-7", "winback", "launch"]
TITLES = ["Head of Data", "student", "Engineer", "VP Sales", "analyst", ""]
COUNTRIES = ["DE", "FR", "US", "BR", "IN", "NL"]


def stamp(ms):
    """RFC 3339 with milliseconds, as records have it."""
    when = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def parse_stamp(text):
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return round(when.timestamp() * 1000)


def _web(rng):
    return rng.choice(["web.page_viewed"] * 5 + ["web.downloaded", "web.searched"]), \
        {"url": "https://acme.example" + rng.choice(PAGES)}


def _email(rng):
    return rng.choice(["email.opened", "email.opened", "email.clicked", "email.delivered", "email.unsubscribed"]), \
        {"campaign": rng.choice(CAMPAIGNS)}


def _form(rng):
    fields = {"title": rng.choice(TITLES), "country": rng.choice(COUNTRIES)}
    if rng.random() < 0.5:
        fields["company_size"] = str(rng.choice([5, 40, 250, 3000]))
    return "form.submitted", fields


def _meeting(rng):
    return rng.choice(["meeting.registered", "meeting.attended"]), {}


def _crm(rng):
    return rng.choice(["crm.accepted", "crm.recycled", "crm.profile_updated"]), {"country": rng.choice(COUNTRIES)}


KINDS = [_web] * 6 + [_email] * 6 + [_form] * 2 + [_meeting] + [_crm]


def topic_of(event):
    """Where a producer of this kind would write it, when a test has several source topics."""
    return event["type"].split(".")[0]


def events(seed, count, leads, begin, span, duplicates=0.02, late=0.0):
    """A list of events (dicts) in the order in which they are produced, with times in [begin, begin + span) ms, but
    for the late ones: a share of them, up to two days before their turn."""
    rng = random.Random(seed)
    steps = sorted(rng.sample(range(span), count))
    made = []
    for number, step in enumerate(steps):
        if made and rng.random() < duplicates:
            made.append(rng.choice(made[-50:]))
            continue
        # A few leads get most of the traffic, as everywhere.
        lead = f"lead-{int(leads * rng.random() ** 2)}"
        kind, fields = rng.choice(KINDS)(rng)
        time = begin + step
        if rng.random() < late:
            time -= rng.randrange(1, 2 * DAY)
        event = {"lead": lead, "id": f"e-{seed}-{number}", "type": kind, "time": stamp(time), "fields": fields}
        if kind.startswith("email.") and rng.random() < 0.1:
            event["machine"] = True
        made.append(event)
    # A duplicate sent again out of its turn would be late for a lead that went on: it stands by its original.
    return made if late else sorted(made, key=lambda e: e["time"])


def line(event):
    return json.dumps(event, separators=(",", ":"))
