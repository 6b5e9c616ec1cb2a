"""Takes guards away, one at a time: the tests that the table names must be green with all of them and red without this
one, and red because they failed, not because their time was up.

    run.py BUILD [GUARD..]        (BUILD: of the preset mutants; all guards where none is named)
    run.py --kafka BUILD          those whose tests need a real Kafka too: LEADSTREAM_KAFKA=host:port

Exit code 1 where a guard is not missed.
"""
import os
import subprocess
import sys
import time

from table import SIMULATOR, guards

TIMEOUT = 180   # seconds for one run of one test; its own limits are lower
LATE = "Test timeout expired"


def find(build, program):
    for folder, _folders, names in os.walk(build):
        path = os.path.join(folder, program)
        if program in names and os.access(path, os.X_OK):
            return path
    return None


def needs_kafka(guard):
    return any(program.startswith("kafka_") for program, _test in guard.tests)


def broker(build):
    """The broker of the end-to-end tests of this build, where it runs."""
    path = os.path.join(build, "tests/e2e/runs/broker/bootstrap")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return {"LEADSTREAM_KAFKA": f.read().strip()}


def simulated(test):
    """The simulator's arguments for one of its scenarios, or for random runs."""
    if test.startswith("seeds_"):
        return ["--no-shrink", "--seeds", "1.." + test.removeprefix("seeds_")]
    return ["--scenario", test]


def run_once(build, program, test, without):
    """(exit code, output) of a test; None: its time was up."""
    path = find(build, program)
    if path is None:
        return 2, f"{program} is not built in {build}"
    words = simulated(test) if program == SIMULATOR else []
    environment = {**broker(build), **os.environ, "SUITE_ONLY": test,
                   "LEADSTREAM_WITHOUT": without}
    try:
        done = subprocess.run([path, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
    words = done.stdout.decode(errors="replace")
    return None if LATE in words else done.returncode, words


def run(build, program, test, without):
    """A machine under load may be late once."""
    code, words = run_once(build, program, test, without)
    return run_once(build, program, test, without) if code is None else (code, words)


def judge(build, name, program, test):
    """What is wrong with a guard and a test, or None; the words of the test."""
    code, words = run(build, program, test, "")
    if code != 0:
        return f"its test fails with the guard in place (exit code {code})", words
    code, words = run(build, program, test, name)
    if code == 0:
        return "NOT MISSED: its test passes without it", words
    if code is None:
        return "its test ends by a time-out, not by a check", words
    if code != 1:
        return f"its test did not run to its verdict (exit code {code})", words
    return None, words


def reason(words):
    """The line that says why it failed: an assertion of the program's own, else the test's."""
    lines = words.splitlines()
    for chosen in ([line for line in lines if line.startswith("leadstream: bug:")],
                   [line.split(":", 5)[-1].strip() for line in lines if ":F:" in line or ":E:" in line],
                   [line for line in lines if line.startswith(("seed", "WRONG"))]):
        if chosen:
            return chosen[0][:110]
    return ""


def main(build, names, kafka):
    table = [guard for guard in guards() if guard.name in names or (not names and (kafka or not needs_kafka(guard)))]
    for name in set(names) - {guard.name for guard in table}:
        print(f"there is no guard {name}")
        return 2
    survived = 0
    for guard in table:
        missed = True
        for program, test in guard.tests:
            began = time.monotonic()
            wrong, words = judge(build, guard.name, program, test)
            print(f"{guard.name:20} {program} {test}: {wrong or 'missed: ' + reason(words)}"
                  f" ({time.monotonic() - began:.1f} s)", flush=True)
            if wrong:
                missed = False
                print(words[-3000:])
        survived += not missed
    print(f"{len(table) - survived} of {len(table)} guards are missed when they are taken away")
    return 1 if survived else 0


if __name__ == "__main__":
    WITH_KAFKA = "--kafka" in sys.argv
    ARGUMENTS = [a for a in sys.argv[1:] if a != "--kafka"]
    sys.exit(main(ARGUMENTS[0], ARGUMENTS[1:], WITH_KAFKA))
