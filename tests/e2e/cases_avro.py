"""Avro in, Avro out: someone else's schema through a registry (a stub, and a real one), and the shipped schemas by
single-object encoding. python3-avro writes and reads; it shares nothing with our codecs."""

import contextlib
import functools
import json
import os
import subprocess
import urllib.request
import zlib

import avro_bytes
import topics
import traffic
from play import Skip
from registry_stub import TYPE, Registry

REGISTRY_SH = os.path.join(topics.HERE, "..", "..", "ops", "kafka", "registry.sh")

# A record as other people have them: nested, with unions, an enum, a map and a logical type.
WEBHOOK = json.dumps({
    "type": "record", "name": "Webhook", "namespace": "acme.crm", "fields": [
        {"name": "contact", "type": {"type": "record", "name": "Contact", "fields": [
            {"name": "phone", "type": ["null", "string"]}, {"name": "id", "type": "string"}]}},
        {"name": "eventId", "type": "string"},
        {"name": "occurredAt", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "kind", "type": "string"},
        {"name": "link", "type": ["null", {"type": "record", "name": "Link", "fields": [
            {"name": "weight", "type": "double"}, {"name": "href", "type": "string"}]}]},
        {"name": "meta", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "bot", "type": ["null", "boolean"]}]})
# The same, a version later: a field in front of the others moves every byte behind it.
WEBHOOK_2 = WEBHOOK.replace('"fields": [{"name": "contact"', '"fields": [{"name": "tenant", "type": "long", '
                            '"default": 0}, {"name": "contact"', 1)
MAPPING = {"lead": "contact.id", "id": "eventId", "time": "occurredAt", "type": "kind", "machine": "bot",
           "fields": {"url": "link.href", "campaign": "meta.campaign", "title": "meta.title",
                      "country": "meta.country", "company_size": "meta.company_size"}}


def _webhook(event):
    fields = event["fields"]
    meta = {k: v for k, v in fields.items() if k != "url"}
    if "company_size" in meta:
        meta["company_size"] = int(meta["company_size"])
    return {"tenant": 7, "contact": {"phone": None, "id": event["lead"]}, "eventId": event["id"],
            "occurredAt": traffic.parse_stamp(event["time"]) * 1000, "kind": event["type"],
            "link": {"weight": 0.5, "href": fields["url"]} if "url" in fields else None,
            "meta": meta, "bot": event.get("machine")}


def _through_registry(play, url, register):
    """Two versions of a schema, mixed on one topic, their ids from a registry; the output is framed too."""
    play.config["registry"] = {"url": url}
    play.config["sources"] = [{"topic": play.topic("events"), "format": "avro", "event": MAPPING}]
    play.config["outputs"]["format"] = "avro"
    play.make_topics()
    versions = [(register(f"{play.topic('events')}-value", text), avro_bytes.plain(text)) for text in (WEBHOOK, WEBHOOK_2)]

    def encode(event):
        number, schema = versions[zlib.crc32(event["id"].encode()) % 2]
        value = _webhook(event)
        if number == versions[0][0]:
            del value["tenant"]
        return avro_bytes.confluent(number, schema, value)

    play.send(play.traffic(6_000, 150), encode=encode)
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    return sure


def avro_registry_stub(play):
    """Through a stub of Confluent's registry that fails every other time: each schema is asked for once or little more."""
    registry = Registry()
    try:
        registry.fail_every = 2
        sure = _through_registry(play, registry.url, registry.register)
        print(f"requests: {registry.asked}")
        if any(n > 12 for path, n in registry.asked.items() if path.startswith("/schemas/ids/")):
            raise AssertionError("schemas are asked for again and again")
        play.decode = avro_bytes.Published(lambda number: registry.schemas[number - 1]).decode
        play.check(sure)
    finally:
        registry.close()


def ask(url, body=None):
    """What a registry answers, patiently."""
    data = json.dumps(body).encode() if body else None
    return json.load(urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": TYPE}), timeout=120))


@contextlib.contextmanager
def running_registry(play):
    """Apicurio, for as long as this lasts; yields its URL. Skips the test where it cannot be fetched."""
    folder = play.file("registry")
    started = subprocess.run([REGISTRY_SH, "start", folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             check=False, timeout=400)
    if started.returncode == 4:
        raise Skip("Apicurio cannot be fetched here")
    url = started.stdout.decode().strip()
    try:
        # The first schema takes it as long as many others: a client would give up on a slow machine.
        ask(f"{url}/subjects/ready-probe/versions", {"schema": '"string"'})
        yield url
    finally:
        subprocess.run([REGISTRY_SH, "stop", folder], stdin=subprocess.DEVNULL, check=False, timeout=180)


def avro_registry_real(play):
    """The same through Apicurio."""
    with running_registry(play) as url:
        sure = _through_registry(play, url, lambda subject, text: ask(f"{url}/subjects/{subject}/versions",
                                                                      {"schema": text})["id"])
        play.decode = avro_bytes.Published(functools.cache(lambda n: ask(f"{url}/schemas/ids/{n}")["schema"])).decode
        play.check(sure)
        print(f"subjects: {ask(url + '/subjects')}")


def avro_flow(play):
    """The shipped schemas by single-object encoding, all kinds on one topic; no registry, no mapping."""
    play.config["sources"] = [{"topic": play.topic("events"), "format": "avro"}]
    play.config["outputs"]["format"] = "avro"
    play.decode = avro_bytes.Published().decode
    play.make_topics()
    play.send(play.traffic(20_000, 400), encode=avro_bytes.ShippedEvents().encode)
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)


def avro_bare(play):
    """Bare records of a local schema file."""
    schema = play.file("webhook.avsc")
    with open(schema, "w", encoding="utf-8") as file:
        file.write(WEBHOOK_2)
    play.config["sources"] = [{"topic": play.topic("events"), "format": "avro", "schema": schema, "event": MAPPING}]
    play.make_topics()
    plain = avro_bytes.plain(WEBHOOK_2)
    play.send(play.traffic(4_000, 100), encode=lambda e: avro_bytes.encode(plain, _webhook(e)))
    daemon = play.start()
    sure = play.wait_quiet()
    daemon.end()
    play.check(sure)
