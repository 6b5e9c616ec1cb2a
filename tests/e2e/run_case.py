"""Runs one end-to-end test: run_case.py CASE BINARY BROKER_FOLDER WORK_FOLDER. Prints its seed; E2E_SEED repeats one.
The folder of a test that failed is kept: configuration, model, events, logs, store."""

import glob
import importlib
import inspect
import os
import shutil
import sys
import time
import traceback

from play import Play, Skip

SKIP = 77


def cases():
    """{name: function} of all files cases_*.py."""
    found = {}
    for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("_") and function.__module__ == module.__name__:
                found[name] = function
    return found


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in cases():
        print(__doc__, *sorted(cases()), sep="\n", file=sys.stderr)
        return 2
    name, binary, broker, work = sys.argv[1:5]
    with open(os.path.join(broker, "bootstrap"), encoding="utf-8") as file:
        bootstrap = file.read().strip()
    seed = int(os.environ.get("E2E_SEED") or int.from_bytes(os.urandom(3), "big"))
    folder = os.path.join(work, name)
    print(f"{name}: E2E_SEED={seed}, folder {folder}, broker {bootstrap}", flush=True)
    play = Play(name, os.path.abspath(binary), bootstrap, folder, seed)
    play.broker = broker
    began = time.monotonic()
    try:
        cases()[name](play)
    except Skip as why:
        print(f"skipped: {why}")
        return SKIP
    except Exception:
        traceback.print_exc()
        print(f"{name}: FAILED after {time.monotonic() - began:.1f} s; E2E_SEED={seed} repeats it", flush=True)
        return 1
    finally:
        play.close()
    print(f"{name}: passed in {time.monotonic() - began:.1f} s")
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
