"""The program as it is run knows nothing of guards: no function of theirs, no name, no switch.

    test_gone.py LEADSTREAM
"""
import subprocess
import sys

WORDS = ("guard_stands", "guard_remove", "LEADSTREAM_WITHOUT")


def check(program):
    symbols = subprocess.run(["nm", program], text=True, capture_output=True, check=True, timeout=60).stdout
    with open(program, "rb") as f:
        content = f.read()
    if "main" not in symbols.split():
        yield f"{program}: nm shows no main, so it would show no guard either"
    for word in WORDS:
        if word in symbols or word.encode() in content:
            yield f"{program}: {word} is in it"


if __name__ == "__main__":
    errors = list(check(sys.argv[1]))
    print("\n".join(errors) if errors else "guards: none in the program")
    sys.exit(1 if errors else 0)
