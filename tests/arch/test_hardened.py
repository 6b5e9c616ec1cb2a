"""The built program has what cmake/flags.cmake promises against the exploitation of bugs.

    test_hardened.py PROGRAM [fortified]     fortified: it was built with optimization, so that FORTIFY must show
"""
import re
import subprocess
import sys


def readelf(option, program):
    return subprocess.run(["readelf", "-W", option, program], stdout=subprocess.PIPE, check=True).stdout.decode()


def faults(headers, segments, dynamic, symbols, fortified):
    """What is missing, as words; the arguments are readelf's -h, -l, -d and --dyn-syms."""
    flags = re.search(r"\(FLAGS_1\).*", dynamic)
    stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}([RWE ]+?)\s", segments)
    checks = set(re.findall(r"\b__(\w+)_chk@", symbols))
    tests = [
        ("it is a position-independent executable", re.search(r"Type:\s+DYN", headers) and flags and "PIE" in flags[0]),
        ("relocations are read-only", "GNU_RELRO" in segments),
        ("all symbols are bound at the start", flags and "NOW" in flags[0]),
        ("the stack is not executable", stack and "E" not in stack[1]),
        ("stacks are checked", "__stack_chk_fail@" in symbols),
        ("copies are checked", not fortified or {"memcpy", "snprintf"} <= checks),
        ("code is not relocated", "TEXTREL" not in dynamic),
        ("no library is looked for beside the program", "RPATH" not in dynamic and "RUNPATH" not in dynamic),
    ]
    return [words for words, good in tests if not good]


def main():
    program, *more = sys.argv[1:]
    missing = faults(*(readelf(option, program) for option in ("-h", "-l", "-d", "--dyn-syms")), "fortified" in more)
    for words in missing:
        print(f"{program}: not so: {words}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
