"""What the libraries of the pure folders ask of others: only what stands here. No time, no file, no thread, no float.

    test_symbols.py ROOT LIBRARY..       (libls_base.a libls_core.a libls_engine.a)
"""
import re
import subprocess

from house import main

LIBC = set("""
    abort calloc free malloc realloc qsort
    memchr memcmp memcpy memmove memset strlen strchr strcmp
    snprintf vsnprintf
    bcmp
""".split())
# Division of 128-bit integers, from the compiler's own library.
COMPILER = {"__divti3", "__modti3", "__udivti3", "__umodti3", "__udivmodti4", "__multi3"}
# A bug is told and the process ends: base/must.c is the only one that writes anywhere.
ONLY = {"must.c.o": {"fprintf", "fputs", "fwrite", "stderr"}}
PACKAGES = re.compile(r"pcre2_\w+_8$|XXH(3|128)?_\w+$|XXH_\w+$")
# What the compiler adds by itself: stack protector, position-independent code, sanitizers, coverage.
ADDED = re.compile(r"_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$|__(asan|ubsan|tsan|msan|sanitizer|gcov|sancov|llvm)_|"
                   r"__gcov|__start___sanc|__stop___sanc")
# Fortified functions: __memcpy_chk is memcpy.
FORTIFIED = re.compile(r"__(\w+)_chk$")
LINE = re.compile(r"^(?:.*:)?([^:]+):\s*[0-9a-f]*\s+([A-Za-z])\s+(\S+)$")


def symbols(library):
    """(object, letter, name) of every symbol."""
    out = subprocess.run(["nm", "-A", library], text=True, capture_output=True, check=True, timeout=60).stdout
    for line in out.splitlines():
        m = LINE.match(line)
        if m:
            yield m.groups()


def allowed(of, name):
    if ADDED.match(name) or PACKAGES.match(name) or name in COMPILER:
        return True
    m = FORTIFIED.match(name)
    plain = m.group(1) if m else name
    return plain in LIBC or plain in ONLY.get(of, ())


def check(_house, *libraries):
    defined, asked = set(), []
    for library in libraries:
        for of, letter, name in symbols(library):
            if letter == "U":
                asked.append((library.rsplit("/", 1)[-1], of, name))
            else:
                defined.add(name)
    if not defined:
        return [f"no symbols in {' '.join(libraries)}"]
    return [f"{library}({of}): {name} is not on the list of what pure code may call"
            for library, of, name in asked if name not in defined and not allowed(of, name)]


if __name__ == "__main__":
    main("symbols", check)
