#!/usr/bin/env python3
"""compare.py --leadstream PATH --seeds A..B,C [--jobs 2] [--keep DIR] [--seconds 30] [--all]

Runs the product and the reference on the generated case of every seed, once for lead lines with reasons and once for
records, and compares line by line: as JSON with keys in any order, numbers by their text, a record's `id` only for
its form and for being given once. Complaints about bad lines must name the same lines, and the exit codes must agree.
The first difference is printed with the place of its files, which are kept, and the exit code is 1. A seed on which
either program takes longer than --seconds is counted as a difference for the product, and is skipped, with a word,
for the reference.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import generate_cases  # noqa: E402: found beside this file, wherever it is started from
import reference  # noqa: E402
from ref_lead import TooHard  # noqa: E402

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLACE = re.compile(r"^(?:.*/)?([^/:]*\.jsonl:\d+): ", re.MULTILINE)
_MODES = (["--changes"], ["--reasons"])


class SlowReference(Exception):
    """The reference took too long: the seed proves nothing."""


def _too_slow(*_):
    raise SlowReference


def by_reference(folder, arguments, mode, seconds):
    """(lines, places of bad lines, exit code) of the reference."""
    options = types.SimpleNamespace(model="model.yaml", at=None, changes=mode == ["--changes"], reasons=True, files=[])
    words = iter(arguments)
    for word in words:
        if word == "-m":
            options.model = next(words)
        elif word == "--at":
            options.at = next(words)
        else:
            options.files.append(word)
    os.chdir(folder)
    signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        lines, complaints = reference.run_score(options)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return lines, sorted(_PLACE.findall("\n".join(complaints))), 1 if complaints else 0


def by_product(program, folder, arguments, mode, seconds):
    """The same of the product; its words on stderr too."""
    command = [program, "score", "--output", "jsonl", *mode, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=seconds, check=False)
    words = done.stderr.decode(errors="replace")
    return done.stdout.decode(errors="replace").splitlines(), sorted(_PLACE.findall(words)), done.returncode, words


def comparable(line):
    """A line as values that are equal when the lines say the same: numbers by their text."""
    def number(text):
        return ("number", text)
    try:
        return json.loads(line, parse_int=number, parse_float=number)
    except ValueError:
        return ("not JSON", line)


def without_id(value):
    """A record without its id, and the id."""
    if isinstance(value, dict) and "kind" in value:
        return {k: v for k, v in value.items() if k != "id"}, value.get("id")
    return value, None


def differing_parts(mine, theirs):
    """The keys in which two lines differ, with both values."""
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return [f"  reference: {mine}", f"  product:   {theirs}"]
    words = []
    for key in [k for k in mine | theirs if mine.get(k) != theirs.get(k)]:
        words.append(f"  {key}:")
        words.append(f"    reference {json.dumps(mine.get(key), ensure_ascii=False)}")
        words.append(f"    product   {json.dumps(theirs.get(key), ensure_ascii=False)}")
    return words


def first_difference(mine, theirs):
    """Words on the first difference between the reference's lines and the product's; none if they agree."""
    seen = set()
    for number in range(max(len(mine), len(theirs))):
        if number >= len(theirs):
            return [f"line {number + 1}: the product ends here; the reference goes on:", "  " + mine[number]]
        value, name = without_id(comparable(theirs[number]))
        if number >= len(mine):
            return [f"line {number + 1}: the reference ends here; the product goes on:", "  " + theirs[number]]
        wanted = comparable(mine[number])
        if value != wanted:
            return [f"line {number + 1}: reference {mine[number]}", f"line {number + 1}: product   {theirs[number]}",
                    *differing_parts(wanted, value)]
        if isinstance(value, dict) and "kind" in value:
            if not (isinstance(name, str) and _UUID.fullmatch(name)) or name in seen:
                return [f"line {number + 1}: its id {name!r} is no UUID or was given before: {theirs[number]}"]
            seen.add(name)
    return []


def check_seed(program, seed, folder, seconds):
    """(seed, verdict, words, lines compared): verdict is same, skipped or differs."""
    compared = 0
    arguments = generate_cases.generate(seed, folder)
    for mode in _MODES:
        shown = " ".join(["score", *mode, *arguments])
        try:
            mine, my_places, my_code = by_reference(folder, arguments, mode, seconds)
        except (SlowReference, TooHard) as reason:
            return seed, "skipped", [f"the reference is too slow on {shown} {reason}"], compared
        try:
            theirs, places, code, stderr = by_product(program, folder, arguments, mode, seconds)
        except subprocess.TimeoutExpired:
            return seed, "differs", [shown, f"the product took longer than {seconds} s"], compared
        words = first_difference(mine, theirs)
        if not words and places != my_places:
            words = [f"bad lines: reference {my_places}", f"bad lines: product   {places}"]
        if not words and code != my_code:
            words = [f"exit code: reference {my_code}, product {code}"]
        if words:
            said = stderr.splitlines()[:5] if code not in (0, 1) or not theirs else []
            return seed, "differs", [shown, *words, *said], compared
        compared += len(theirs)
    return seed, "same", [], compared


def seed_range(text):
    """`A..B`, both in, one seed, or several of these with commas."""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leadstream", required=True, type=os.path.abspath)
    parser.add_argument("--seeds", required=True, type=seed_range)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=os.path.abspath, help="where cases are written (default: a temporary directory)")
    parser.add_argument("--seconds", type=int, default=30, help="the most that one program may take on one seed")
    parser.add_argument("--all", action="store_true", help="go on after a difference")
    options = parser.parse_args()
    root = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="leadstream-compare-"))
    compared = 0
    counts = {"same": 0, "skipped": 0, "differs": 0}
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        runs = {pool.submit(check_seed, options.leadstream, s, str(root / str(s)), options.seconds): s
                for s in options.seeds}
        for run in concurrent.futures.as_completed(runs):
            try:
                seed, verdict, words, lines = run.result()
            except Exception as error:           # a bug of the reference or of the generator: say on which seed
                seed, verdict, words, lines = runs[run], "differs", [f"the reference failed: {error!r}"], 0
            counts[verdict] += 1
            compared += lines
            if verdict == "same":
                shutil.rmtree(root / str(seed))
                continue
            print(f"seed {seed} {verdict}: cd {root / str(seed)}", *words, sep="\n", flush=True)
            if verdict == "differs" and not options.all:
                pool.shutdown(cancel_futures=True)
                break
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + f"; {compared} lines are the same")
    if not counts["differs"] and not options.keep:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
