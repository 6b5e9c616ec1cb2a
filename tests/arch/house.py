"""The source tree as the tests of this folder see it: folders (floors), files, what each includes."""
import os
import re
import sys

# The floors: which folder may include which. src/CMakeLists.txt says the same in target_link_libraries, and
# test_includes.py compares the two.
FLOORS = {
    "base": set(),
    "core": {"base"},
    "engine": {"core", "base"},
    "codec": {"core", "base"},
    "host": {"base"},
    "adapters": {"codec", "engine", "host", "core", "base"},
    "app": {"adapters", "codec", "engine", "host", "core", "base"},
}
PURE = ("base", "core", "engine")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


class File:
    def __init__(self, root, path):
        self.path = path  # relative to the root, with slashes
        with open(os.path.join(root, path), encoding="utf-8") as f:
            self.text = f.read()
        self.lines = self.text.splitlines()

    def includes(self):
        """(line number, "<" or '"', what) of every #include."""
        for m in INCLUDE.finditer(self.text):
            yield self.text.count("\n", 0, m.start(2)) + 1, m.group(1), m.group(2)


class House:
    def __init__(self, root):
        self.root = root
        self.files = {}
        self.folder_of = {}
        for folder in FLOORS:
            for path in self.listed(f"src/{folder}", (".c", ".h")):
                self.files[path] = File(root, path)
                self.folder_of[path] = folder
        # A public header belongs to the folder of its .c.
        for path in self.listed("include/leadstream", (".h",)):
            self.files[path] = File(root, path)
            stem = os.path.basename(path)[:-2]
            owners = [folder for folder in FLOORS if f"src/{folder}/{stem}.c" in self.files]
            self.folder_of[path] = owners[0] if len(owners) == 1 else None

    def listed(self, folder, endings):
        """Files of one folder, without its subfolders."""
        try:
            names = sorted(os.listdir(os.path.join(self.root, folder)))
        except FileNotFoundError:
            return []
        return [f"{folder}/{name}" for name in names if name.endswith(endings)]

    def headers(self):
        return [path for path in self.files if path.endswith(".h")]

    def resolve(self, kind, what):
        """The path of one of our own files that an #include names, or None if it is foreign."""
        if kind == "<" and what.startswith("leadstream/"):
            return "include/" + what
        if kind == '"':
            return "src/" + what
        return None


def report(name, errors):
    """Prints what is wrong; the exit code."""
    for error in errors:
        print(error)
    print(f"{name}: {len(errors)} broken" if errors else f"{name}: ok")
    return 1 if errors else 0


def main(name, check):
    sys.exit(report(name, check(House(sys.argv[1]), *sys.argv[2:])))
