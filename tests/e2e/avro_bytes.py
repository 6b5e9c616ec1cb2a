"""Avro by Debian's python3-avro: encodes events with the shipped schemas and decodes what leadstream publishes, by
single-object encoding or Confluent's framing. Its schemas are parsed from the same files, its code is not ours."""

import glob
import io
import json
import os
import struct

import avro.io
import avro.schema

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schemas")
SINGLE_OBJECT = b"\xc3\x01"


def files():
    """{full name of the record: text of its .avsc file}"""
    found = {}
    for path in sorted(glob.glob(os.path.join(SCHEMAS, "*.avsc"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        schema = json.loads(text)
        found[".".join(filter(None, (schema.get("namespace"), schema["name"])))] = text
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


def single_object(schema, value):
    return SINGLE_OBJECT + fingerprint(schema) + encode(schema, value)


def confluent(number, schema, value):
    return b"\0" + struct.pack(">i", number) + encode(schema, value)


def parse(text):
    return avro.schema.parse(text)
