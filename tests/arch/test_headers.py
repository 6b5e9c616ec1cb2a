"""Every header compiles alone, and twice in a row: those of include/leadstream seeing nothing else of the house, the
others with include/ and src/.

    test_headers.py ROOT COMPILER [FLAG..]
"""
import concurrent.futures
import os
import subprocess

from house import main


def compile_alone(house, compiler, flags, path):
    """The compiler's words about a header, or None."""
    public = path.startswith("include/")
    name = f"<{path[len('include/'):]}>" if public else f'"{path[len("src/"):]}"'
    where = ["-Iinclude"] if public else ["-Iinclude", "-Isrc"]
    # Through a line of its own, so that the compiler does not take the header for the main file; with a declaration
    # after it, for a header may have none.
    done = subprocess.run([compiler, "-std=c17", *flags, *where, "-fsyntax-only", "-x", "c", "-"], cwd=house.root,
                          input=f"#include {name}\n#include {name}\nstruct alone;\n", text=True, capture_output=True, check=False,
                          timeout=60)
    return f"{path}: does not compile alone:\n{done.stderr.strip()}" if done.returncode else None


def check(house, compiler, *flags):
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        said = pool.map(lambda path: compile_alone(house, compiler, flags, path), house.headers())
        return [words for words in said if words]


if __name__ == "__main__":
    main("headers", check)
