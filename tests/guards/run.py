"""Takes guards away, one at a time: the test that the table names must be green with all of them and red without this
one, and red because it failed, not because its time was up.

    run.py BUILD [GUARD..]        (BUILD: of the preset mutants; all guards where none is named)

Exit code 1 where a guard is not missed.
"""
import os
import subprocess
import sys
import time

from table import guards

TIMEOUT = 110   # seconds for one run of one test; its own limits are lower


def find(build, program):
    for folder, _folders, names in os.walk(build):
        path = os.path.join(folder, program)
        if program in names and os.access(path, os.X_OK):
            return path
    return None


def run(build, guard, without):
    """(exit code or None where the time was up, output) of the guard's test."""
    program = find(build, guard.program)
    if program is None:
        return 2, f"{guard.program} is not built in {build}"
    environment = dict(os.environ, SUITE_ONLY=guard.test, LEADSTREAM_WITHOUT=guard.name if without else "")
    environment.setdefault("CK_DEFAULT_TIMEOUT", "60")
    try:
        done = subprocess.run([program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace")


def judge(build, guard):
    """What is wrong with a guard and its test, or None; the words of the failing test."""
    code, words = run(build, guard, False)
    if code != 0:
        return f"its test fails with the guard in place (exit code {code})", words
    code, words = run(build, guard, True)
    if code == 0:
        return "NOT MISSED: its test passes without it", words
    if code is None or "Test timeout expired" in words:
        return "its test ends by a time-out, not by a check", words
    if code != 1:
        return f"its test did not run to its verdict (exit code {code})", words
    return None, words


def reason(words):
    """The line that says why it failed: an assertion of the program's own, else the test's."""
    lines = [line for line in words.splitlines() if line.startswith("leadstream: bug:")]
    lines = lines or [line.split(":", 5)[-1].strip() for line in words.splitlines() if ":F:" in line or ":E:" in line]
    return lines[0][:110] if lines else ""


def main(build, names):
    table = [guard for guard in guards() if not names or guard.name in names]
    for name in set(names) - {guard.name for guard in table}:
        print(f"there is no guard {name}")
        return 2
    survived = 0
    for guard in table:
        began = time.monotonic()
        wrong, words = judge(build, guard)
        survived += wrong is not None
        print(f"{guard.name:28} {guard.program} {guard.test}: {wrong or 'missed: ' + reason(words)}"
              f" ({time.monotonic() - began:.1f} s)", flush=True)
        if wrong:
            print(words[-3000:])
    print(f"{len(table) - survived} of {len(table)} guards are missed when they are taken away")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
