"""The documents tell of all that is there: every room in src/README.md, every metric in ops/README.md, every param in
config/leadstream.yaml, every error in docs/errors.md; and their links lead somewhere.

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


def errors(house, leadstream):
    """docs/errors.md: every code with its class and meaning, and every error of Kafka's with its code."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")]
            for line in read(house, "docs/errors.md").splitlines() if line.startswith("|")]
    codes = {row[0]: row[1:3] for row in rows if len(row) == 5}
    kafka = {name: row[1] for row in rows if len(row) == 3 for name in row[0].split(", ")}
    out = subprocess.run([leadstream, "check", "--errors"], text=True, capture_output=True, check=True, timeout=60)
    for line in out.stdout.splitlines():
        word = line.split()
        if word[0] == "kafka" and kafka.get(word[1]) != word[2]:
            yield f"docs/errors.md: says that {word[1]} is {kafka.get(word[1])}, it is {word[2]}"
        if word[0] != "kafka" and codes.get(word[0]) != [word[1], " ".join(word[2:])]:
            yield f"docs/errors.md: the code {word[0]} is {word[1:]}, not {codes.get(word[0])}"


def check(house, leadstream):
    return [*links(house), *rooms(house), *tables(house, leadstream), *errors(house, leadstream)]


if __name__ == "__main__":
    main("docs", check)
