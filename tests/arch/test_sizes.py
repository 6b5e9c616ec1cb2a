"""How large things may get, and a few habits that a compiler does not see.

    test_sizes.py ROOT
"""
import re

from house import PURE, main

MAX_FUNCTION = 70   # lines, from its name to its closing brace
MAX_FILE = 600      # lines: fails
LONG_FILE = 450     # lines: is said
MAX_COLUMNS = 132   # fails
LONG_LINE = 120     # is counted


def functions(lines):
    """(line number, length) of the functions of a file in the house's form: a body ends with `}` alone in column 1."""
    first = opened = None
    for number, line in enumerate(lines, 1):
        if opened is None:
            if first is None and re.match(r"[A-Za-z_]", line) and "(" in line:
                first = number
            if first is not None and line.endswith("{"):
                opened = number
            elif line.endswith(";") or not line:
                first = None
        elif line == "}":
            yield first, number - first + 1
            first = opened = None
        elif line.startswith("}"):
            first = opened = None


def without_comments(text):
    """The text with the letters of comments and strings blanked; lines stay where they are."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def habits(path, folder, text):
    """Words that stand where they may not."""
    rules = [(r"\btypedef\s+(struct|union|enum)\b", "a typedef hides what it is", True),
             (r"\b(double|float)\b", "no float in the pure folders", folder in PURE),
             (r"\b(time|clock_gettime|gettimeofday)\s*\(", "the time is an argument in the pure folders",
              folder in PURE),
             (r"(?<!_)\bexit\s*\(", "only app/ may end the process", folder != "app")]
    for pattern, words, on in rules:
        for m in re.finditer(pattern, text) if on else ():
            yield f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m.group()}: {words}"


def check(house):
    errors, long_lines = [], 0
    for path, file in house.files.items():
        if len(file.lines) > LONG_FILE:
            print(f"note: {path} has {len(file.lines)} lines; can it be two rooms?")
        if len(file.lines) > MAX_FILE:
            errors.append(f"{path}: {len(file.lines)} lines, at most {MAX_FILE}")
        for number, line in enumerate(file.lines, 1):
            long_lines += len(line) > LONG_LINE
            if len(line) > MAX_COLUMNS:
                errors.append(f"{path}:{number}: {len(line)} columns, at most {MAX_COLUMNS}")
        for number, length in functions(file.lines):
            if length > MAX_FUNCTION:
                errors.append(f"{path}:{number}: a function of {length} lines, at most {MAX_FUNCTION}")
        if not file.text.startswith("/*"):
            errors.append(f"{path}: does not begin with a comment that says what it is")
        errors += habits(path, house.folder_of[path], without_comments(file.text))
    if long_lines:
        print(f"note: {long_lines} lines have more than {LONG_LINE} columns")
    return errors


if __name__ == "__main__":
    main("sizes", check)
