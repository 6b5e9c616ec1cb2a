"""Avro by Debian's python3-avro: encodes events with the shipped schemas and decodes what leadstream publishes, by
single-object encoding or Confluent's framing. Its schemas are parsed from the same files, its code is not ours."""

import glob
import io
import json
import os
import struct
from decimal import Decimal

import avro.io
import avro.schema

import traffic

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schemas")
SINGLE_OBJECT = b"\xc3\x01"


def plain(text):
    """A schema of which python3-avro takes and gives plain numbers and texts: the bytes and the fingerprint are the
    same with and without logical types."""
    def strip(node):
        if isinstance(node, dict):
            return {k: strip(v) for k, v in node.items() if k != "logicalType"}
        return [strip(n) for n in node] if isinstance(node, list) else node

    return avro.schema.parse(json.dumps(strip(json.loads(text))))


def shipped():
    """{full name of the record: schema} of schemas/."""
    found = {}
    for path in sorted(glob.glob(os.path.join(SCHEMAS, "*.avsc"))):
        with open(path, encoding="utf-8") as file:
            schema = plain(file.read())
        found[schema.fullname] = schema
    return found


def fingerprint(schema):
    """CRC-64-AVRO of the parsing canonical form, as single-object encoding has it: 8 bytes, little end first."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0xC15D213AA4D7A795 & -(number & 1))
        table.append(number)
    value = 0xC15D213AA4D7A795
    for byte in schema.canonical_form.encode():
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return struct.pack("<Q", value)


def encode(schema, value):
    out = io.BytesIO()
    avro.io.DatumWriter(schema).write(value, avro.io.BinaryEncoder(out))
    return out.getvalue()


def decode(schema, raw):
    source = io.BytesIO(raw)
    value = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(source))
    if source.read():
        raise ValueError("bytes left behind the record")
    return value


def confluent(number, schema, value):
    return b"\0" + struct.pack(">i", number) + encode(schema, value)


class ShippedEvents:
    """Events of the tests as the shipped schemas have them."""

    def __init__(self):
        self.schemas = {name.rsplit(".", 1)[1][:-len("Event")].lower(): schema
                        for name, schema in shipped().items() if name.endswith("Event")}
        self.heads = {family: SINGLE_OBJECT + fingerprint(schema) for family, schema in self.schemas.items()}

    def encode(self, event):
        family, symbol = event["type"].split(".", 1)
        schema = self.schemas[family]
        members = {f.name for f in schema.fields}
        value = {name: None for name in members}
        value.update({"lead": event["lead"], "id": event["id"], "time": traffic.parse_stamp(event["time"]),
                      "type": symbol, "machine": event.get("machine", False), "fields": {}})
        for name, text in event["fields"].items():
            if name in members:
                value[name] = text
            else:
                value["fields"][name] = text
        return self.heads[family] + encode(schema, value)


class Published:
    """Decodes what leadstream publishes, by single-object encoding or, with a registry, by Confluent's framing, into
    what the JSON form says: numbers as exact decimals, instants as text."""

    def __init__(self, registry=None):
        self.by_fingerprint = {fingerprint(s): s for s in shipped().values()}
        self.registry = registry

    def decode(self, raw):
        if raw[:2] == SINGLE_OBJECT and self.registry is None:
            value = decode(self.by_fingerprint[raw[2:10]], raw[10:])
        elif raw[:1] == b"\0" and self.registry is not None:
            value = decode(plain(self.registry(struct.unpack(">i", raw[1:5])[0])), raw[5:])
        else:
            raise ValueError(f"framed otherwise than configured: {raw[:10].hex()}")
        value["at"] = traffic.stamp(value["at"])
        return self._exact(value)

    def _exact(self, value):
        if isinstance(value, dict):
            return {k: self._exact(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._exact(v) for v in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Decimal(repr(value))
        return value
