"""The documents tell of all that is there: every room in src/README.md, every metric in ops/README.md, every param in
config/leadstream.yaml; and their links lead somewhere.

    test_docs.py ROOT LEADSTREAM
"""
import os
import re
import subprocess

from house import main

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def read(house, path):
    with open(os.path.join(house.root, path), encoding="utf-8") as f:
        return f.read()


def pages(house):
    """All Markdown files, without those of builds and of git."""
    for folder, folders, names in os.walk(house.root):
        folders[:] = [f for f in folders if f not in ("build", ".git", "var")]
        for name in names:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), house.root)


def links(house):
    for page in pages(house):
        for target in LINK.findall(read(house, page)):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not os.path.exists(os.path.join(house.root, os.path.dirname(page), target)):
                yield f"{page}: the link to {target} leads nowhere"


def rooms(house):
    text = read(house, "src/README.md")
    for path in sorted(house.files):
        stem = os.path.basename(path).rsplit(".", 1)[0]
        if not re.search(rf"\b{re.escape(stem)}\b", text):
            yield f"src/README.md: does not tell of {path} (a line in its table of rooms)"


def printed(leadstream, what):
    """The first column of a table that `leadstream check` prints."""
    out = subprocess.run([leadstream, "check", what], text=True, capture_output=True, check=True, timeout=60).stdout
    return [line.split()[0] for line in out.splitlines() if line.strip()]


def tables(house, leadstream):
    runbook = read(house, "ops/README.md")
    metrics = printed(leadstream, "--metrics")
    for name in metrics:
        if not re.search(rf"\b{name}\b", runbook):
            yield f"ops/README.md: does not tell of the metric {name}"
    for name in sorted(set(re.findall(r"\bleadstream_[a-z_]+[a-z]\b", runbook)) - set(metrics)):
        yield f"ops/README.md: there is no metric {name}"
    config = read(house, "config/leadstream.yaml")
    for name in printed(leadstream, "--params")[1:]:
        key = name.rsplit(".", 1)[-1]
        if not re.search(rf"\b{key}:", config):
            yield f"config/leadstream.yaml: does not show the param {name}"


def check(house, leadstream):
    return [*links(house), *rooms(house), *tables(house, leadstream)]


if __name__ == "__main__":
    main("docs", check)
