"""No #include goes up the floors or sideways, none in a circle, and each foreign library stays in its room.

    test_includes.py ROOT
"""
import fnmatch
import os
import re

from house import FLOORS, PURE, main

# What C and POSIX bring. The pure folders (and so all of include/leadstream) may use only the first.
LIBC_PURE = {"stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
             "inttypes.h", "limits.h"}
LIBC = LIBC_PURE | {"ctype.h", "dirent.h", "errno.h", "fcntl.h", "getopt.h", "math.h", "netdb.h", "poll.h",
                    "pthread.h", "signal.h", "strings.h", "threads.h", "time.h", "unistd.h", "sched.h"}
LIBC_FOLDERS = ("sys/", "netinet/", "arpa/")

# Foreign headers: who may include them. A name is a folder or one file; a library that a single room needs stays there.
FOREIGN = {
    "pcre2.h": ["src/core/cond*"],
    "xxhash.h": ["src/core/*"],
    "yaml.h": ["src/codec/yaml_tree.c"],
    "yajl/*": ["src/codec/json_tree.c"],
    "zlib.h": ["src/codec/avro_file.c"],
    # Schemas (which are JSON), and the registry's answers (which hold them).
    "jansson.h": ["src/codec/schema*", "src/adapters/registry.c"],
    "librdkafka/*": ["src/adapters/*"],
    "rocksdb/c.h": ["src/adapters/rocks_*"],
    "curl/*": ["src/adapters/registry_http.c"],
    "openssl/*": ["src/adapters/erasure.c", "src/adapters/kafka_way.c"],
    "microhttpd.h": ["src/host/http.c"],
    # Marks the red zones of arenas where AddressSanitizer is on; not there otherwise.
    "sanitizer/asan_interface.h": ["src/base/arena.c"],
}


def foreign(path, folder, what):
    """What is wrong with this file's including a header that is not ours, or None."""
    if what in LIBC_PURE:
        return None
    if what in LIBC or what.startswith(LIBC_FOLDERS):
        return f"<{what}> in a pure folder" if folder in PURE else None
    for pattern, rooms in FOREIGN.items():
        if fnmatch.fnmatch(what, pattern):
            if any(fnmatch.fnmatch(path, room) for room in rooms):
                return None
            return f"<{what}> belongs in {', '.join(rooms)}"
    return f"<{what}> is not known to this test"


def edges(house):
    """Wrong includes, and own file -> own files that it includes."""
    errors, graph = [], {}
    for path, file in house.files.items():
        folder = house.folder_of[path]
        graph[path] = []
        if folder is None:
            errors.append(f"{path}: no folder of src/ has a .c for it, or several have")
            continue
        for line, kind, what in file.includes():
            own = house.resolve(kind, what)
            if own is None:
                wrong = foreign(path, folder, what)
            elif own not in house.files:
                wrong = f"{what} is no file of the house"
            else:
                graph[path].append(own)
                to = house.folder_of[own]
                wrong = None
                if to is not None and to != folder and to not in FLOORS[folder]:
                    wrong = f"{what}: {folder} may not include {to}"
            if wrong:
                errors.append(f"{path}:{line}: {wrong}")
    return errors, graph


def circles(graph):
    """The first circle found from each file, as text."""
    done, found = set(), []

    def visit(path, trail):
        if path in trail:
            found.append("a circle of includes: " + " -> ".join(trail[trail.index(path):] + [path]))
            return
        if path in done:
            return
        for to in graph.get(path, []):
            visit(to, trail + [path])
        done.add(path)

    for path in sorted(graph):
        visit(path, [])
    return found


def links(house):
    """The arrows of src/CMakeLists.txt must be those of house.FLOORS."""
    with open(os.path.join(house.root, "src/CMakeLists.txt"), encoding="utf-8") as f:
        text = f.read()
    direct = {m.group(1): set(re.findall(r"\bls_(\w+)", m.group(2)))
              for m in re.finditer(r"^leadstream_folder\((\w+)([^)]*)\)", text, re.M)}
    errors = []
    for folder, allowed in FLOORS.items():
        reached, todo = set(), [folder]
        while todo:
            for to in direct.get(todo.pop(), set()) - reached:
                reached.add(to)
                todo.append(to)
        if reached != allowed:
            errors.append(f"src/CMakeLists.txt: {folder} links {sorted(reached)}, the floors allow {sorted(allowed)}")
    return errors


def check(house):
    errors, graph = edges(house)
    return errors + circles(graph) + links(house)


if __name__ == "__main__":
    main("includes", check)
