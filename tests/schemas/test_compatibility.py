"""Every shipped schema can read what every released version wrote, and every released version can read it: full
transitive compatibility, so that producers, leadstream and consumers may be upgraded in any order. And every type,
field and enum says in its doc what it is."""

import copy
import json
import pathlib
import sys
import unittest

import avro.compatibility
import avro.schema

FOLDER = pathlib.Path(sys.argv.pop())
CURRENT = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.avsc"))}


def released(name):
    """{version: schema} of what was released."""
    found = {}
    for path in (FOLDER / "released").glob(f"{name}.v*.avsc"):
        found[int(path.name[len(name) + 2:-len(".avsc")])] = json.loads(path.read_text())
    return found


def can_read(reader, writer):
    """What is wrong; empty where nothing is."""
    checker = avro.compatibility.ReaderWriterCompatibilityChecker()
    result = checker.get_compatibility(avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer)))
    if result.compatibility is avro.compatibility.SchemaCompatibilityType.compatible:
        return ""
    return "; ".join(sorted(result.messages)) or "incompatible"


def without_doc(schema, place):
    """Places of records, enums and fields that have no doc."""
    if isinstance(schema, list):
        return [p for branch in schema for p in without_doc(branch, place)]
    if not isinstance(schema, dict):
        return []
    missing = []
    if schema["type"] in ("record", "enum"):
        place = f"{place}/{schema['name']}"
        missing += [] if schema.get("doc") else [place]
    for field in schema.get("fields", []):
        missing += [] if field.get("doc") else [f"{place}.{field['name']}"]
        missing += without_doc(field["type"], place)
    for key in ("items", "values"):
        missing += without_doc(schema.get(key), place)
    return missing


def field(schema, name):
    return next(f for f in schema["fields"] if f["name"] == name)


class Compatibility(unittest.TestCase):
    def test_every_schema_fits_every_release_both_ways(self):
        self.assertEqual(len(CURRENT), 11)
        for name, now in CURRENT.items():
            versions = released(name)
            self.assertEqual(sorted(versions), list(range(1, len(versions) + 1)), f"{name}: releases")
            self.assertTrue(versions, f"{name}: no release")
            for version, then in versions.items():
                self.assertEqual(can_read(now, then), "", f"{name} cannot read what v{version} wrote")
                self.assertEqual(can_read(then, now), "", f"{name}.v{version} cannot read what it writes now")

    def test_everything_says_what_it_is(self):
        for name, now in CURRENT.items():
            self.assertEqual(without_doc(now, name), [])

    def test_enums_have_a_default_so_that_symbols_may_come(self):
        for name, now in CURRENT.items():
            for f in now["fields"]:
                if isinstance(f["type"], dict) and f["type"]["type"] == "enum":
                    self.assertIn(f["type"].get("default"), f["type"]["symbols"], f"{name}.{f['name']}")

    def test_the_checker_sees_what_is_not_compatible(self):
        """The test above would be worth nothing if it passed everything."""
        then = CURRENT["EmailEvent"]
        now = copy.deepcopy(then)
        now["fields"].append({"name": "new", "type": "string"})
        self.assertNotEqual(can_read(now, then), "", "a new field without default")
        now = copy.deepcopy(then)
        now["fields"].remove(field(now, "lead"))
        self.assertNotEqual(can_read(then, now), "", "a field without default taken away")
        now = copy.deepcopy(then)
        field(now, "time")["type"] = "string"
        self.assertNotEqual(can_read(now, then), "", "another type")
        now = copy.deepcopy(then)
        now["fields"].append({"name": "new", "type": ["null", "string"], "default": None})
        self.assertEqual(can_read(now, then) + can_read(then, now), "", "a new field with a default")


if __name__ == "__main__":
    unittest.main()
