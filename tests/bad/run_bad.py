#!/usr/bin/env python3
"""run_bad.py PROGRAM events|commands|outputs: bad input, each case with its message.

events: every line of events.jsonl is bad; events.out is what `score` says of them on stderr. Then the same with
--dead-letters: exit 0, and each line is kept with the same words, byte for byte.
commands: the cases of commands.txt.
outputs: what is to be printed and cannot be; a standard file that is closed.
"""

import base64
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent


def run(program, *arguments):
    """The program in this folder: its exit code, stdout and stderr."""
    done = subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def expect(what, wanted, got):
    """Ends the test where two things differ."""
    if wanted != got:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def events(program):
    """The lines of events.jsonl, said and kept."""
    wanted = (FOLDER / "events.out").read_text(encoding="utf-8")
    code, out, err = run(program, "score", "-m", "model.yaml", "--output", "jsonl", "events.jsonl")
    expect("exit code", 1, code)
    expect("stdout", b"", out)
    for want, got in zip(wanted.splitlines(), err.splitlines()):
        expect("events.out", want, got)
    expect("events.out", wanted, err)
    lines = (FOLDER / "events.jsonl").read_bytes().split(b"\n")[:-1]
    words = wanted.splitlines()[:-1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "letters.jsonl"
        code, out, err = run(program, "score", "-m", "model.yaml", "--dead-letters", str(path), "events.jsonl")
        expect("exit code with dead letters", 0, code)
        expect("stderr with dead letters", f"leadstream score: {len(lines)} bad lines kept in {path}\n", err)
        letters = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    expect("dead letters", len(lines), len(letters))
    for number, (line, said, letter) in enumerate(zip(lines, words, letters), 1):
        text = letter["text"].encode() if "text" in letter else base64.b64decode(letter["base64"], validate=True)
        expect(f"dead letter {number}", line, text)
        expect(f"dead letter {number}", said, f"{letter['file']}:{letter['line']}: {letter['words']}")
        expect(f"lead of dead letter {number}", str, type(letter.get("lead", "")))
    print(f"{len(lines)} bad lines")


def cases():
    """(exit code, arguments, words) of commands.txt."""
    case = None
    for line in (FOLDER / "commands.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("  "):
            case[2].append(line[2:])
            continue
        if case:
            yield case
        code, *arguments = shlex.split(line)
        case = (int(code), arguments, [])
    yield case


def commands(program):
    """Each command line of commands.txt."""
    n = 0
    for wanted_code, arguments, words in cases():
        code, _, err = run(program, *arguments)
        expect(f"exit code of {arguments} ({err.strip()})", wanted_code, code)
        wanted = "\n".join(words)
        if wanted.endswith(".."):
            expect(f"words of {arguments}", wanted[:-2], err[:len(wanted) - 2])
        else:
            expect(f"words of {arguments}", wanted + "\n", err)
        n += 1
    print(f"{n} command lines")


def shell(program, redirection, *arguments):
    """The program in this folder with a redirection of the shell: exit code and stderr."""
    done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", program, *arguments], cwd=FOLDER, timeout=60,
                          capture_output=True, check=False)
    return done.returncode, done.stderr.decode()


def outputs(program):
    """A full disk under the standard output ends every command with 3; what goes to one that is closed
    gets into no file that the program opens."""
    full = "leadstream: the standard output takes no more: a full disk, or it is closed\n"
    for arguments in (["--help"], ["--version"], ["check", "--params"], ["check", "-m", "model.yaml"], ["run", "--help"]):
        for redirection in (">/dev/full", ">&-"):
            expect(f"{arguments} {redirection}", (3, full), shell(program, redirection, *arguments))
    with tempfile.TemporaryDirectory() as folder:
        lines, letters = pathlib.Path(folder) / "lines.jsonl", pathlib.Path(folder) / "letters.jsonl"
        lines.write_text('{"lead":"a","id":"1","type":"x","time":1767312000000}\nbad\n', encoding="utf-8")
        arguments = ["score", "-m", "model.yaml", "--dead-letters", str(letters), str(lines)]
        for redirection, wanted in (("2>&-", 0), (">&- 2>&-", 3), ("<&- >&- 2>&-", 3)):
            expect(f"exit code with {redirection}", wanted, shell(program, redirection, *arguments)[0])
            kept = letters.read_text(encoding="utf-8").splitlines()
            expect(f"letters with {redirection}", ["bad"], [json.loads(line).get("text") for line in kept])
    expect("no standard input", 3, shell(program, "<&-", "score", "-m", "model.yaml", "-")[0])


if __name__ == "__main__":
    {"events": events, "commands": commands, "outputs": outputs}[sys.argv[2]](sys.argv[1])
