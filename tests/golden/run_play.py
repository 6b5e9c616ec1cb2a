#!/usr/bin/env python3
"""run_play.py PROGRAM.. PLAY: one golden play: FOLDER/PLAY.model.yaml and .in through `score --changes`, against .out.

PROGRAM is the command line of the product (or of the reference, for which the plays must hold as well). A record is
compared as JSON, with numbers by their text; its `id` is left out: the plays say what is decided, not how it is named.
The comment on top of each model tells the play in words.
"""

import json
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def record(line):
    """A record without its id; numbers as they are written."""
    def number(text):
        return ("number", text)
    value = json.loads(line, parse_int=number, parse_float=number)
    value.pop("id", None)
    return value


def main():
    *program, play = sys.argv[1:]
    command = [*program, "score", "-m", f"{play}.model.yaml", "--changes", f"{play}.in"]
    if not program[-1].endswith(".py"):
        command += ["--output", "jsonl"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    wanted = (FOLDER / f"{play}.out").read_text(encoding="utf-8").splitlines()
    said = done.stdout.splitlines()
    for number, (want, got) in enumerate(zip(wanted, said), 1):
        if record(want) != record(got):
            sys.exit(f"{play}.out:{number}: expected {want}\n{play}.out:{number}: said     {got}")
    if len(wanted) != len(said):
        more = wanted[len(said):] or said[len(wanted):]
        sys.exit(f"{play}.out: {len(wanted)} records expected, {len(said)} said; the first beyond: {more[0]}")
    print(f"{play}: {len(said)} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
