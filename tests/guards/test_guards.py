"""Every GUARD() of src/ stands in the table of README.md, once; every row has its GUARD(); every test of the table is one.

    test_guards.py ROOT
"""
import os
import re
import sys

from table import SIMULATOR, guards


def sources(root, folder, endings):
    for where, _folders, names in os.walk(os.path.join(root, folder)):
        for name in sorted(names):
            if name.endswith(endings):
                path = os.path.join(where, name)
                with open(path, encoding="utf-8") as f:
                    yield os.path.relpath(path, root), f.read()


def uses(root):
    """name -> the files that have its GUARD()."""
    found = {}
    for path, text in sources(root, "src", (".c", ".h")):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for name in re.findall(r"(?<!define )\bGUARD\((\w+)\)", text):
            found.setdefault(name, []).append(path)
    return found


def check(root):
    table, used = guards(), uses(root)
    names = [guard.name for guard in table]
    for name in sorted(set(used) - set(names)):
        yield f"{used[name][0]}: GUARD({name}) is not in tests/guards/README.md"
    for name in sorted(set(names) - set(used)):
        yield f"tests/guards/README.md: no GUARD({name}) in src/"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"tests/guards/README.md: {name} stands there twice"
    tests = "\n".join(text for _path, text in sources(root, "tests", (".c", ".h", ".py", ".txt")))
    for guard in table:
        for program, test in guard.tests:
            if not (program == SIMULATOR and test.startswith("seeds_")) and not re.search(rf"\b{test}\b", tests):
                yield f"tests/guards/README.md: {guard.name}: there is no test {test}"
    if not table:
        yield "tests/guards/README.md: no table"


if __name__ == "__main__":
    errors = list(check(sys.argv[1]))
    print("\n".join(errors) if errors else f"guards: {len(guards())}, each in the table and in the code")
    sys.exit(1 if errors else 0)
