"""The tests of this folder see what they are for: each is shown a small house with one thing wrong.

    test_arch.py COMPILER
"""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest

import test_docs
import test_headers
import test_includes
import test_sizes
import test_symbols
from house import House

COMPILER = "cc"

LINKS = """leadstream_folder(base)
leadstream_folder(core ls_base)
leadstream_folder(engine ls_core)
leadstream_folder(codec ls_core)
leadstream_folder(host ls_base)
leadstream_folder(adapters ls_codec ls_engine ls_host)
leadstream_folder(app ls_adapters)
"""
GOOD = {
    "src/CMakeLists.txt": LINKS,
    "include/leadstream/must.h": "/* Bugs. */\n#include <stdbool.h>\nbool must(void);\n",
    "src/base/must.c": "/* Bugs. */\n#include <leadstream/must.h>\n#include <stdio.h>\n",
    "src/core/model.h": "/* Rules. */\n#include <leadstream/must.h>\nextern bool model;\n",
    "src/core/model.c": '/* Rules. */\n#include "core/model.h"\n#include <xxhash.h>\n',
    "src/engine/batch.c": '/* A batch. */\n#include "core/model.h"\n',
    "src/README.md": "must, model and batch; see [the tests](../tests/README.md)\n",
    "tests/README.md": "tests\n",
}


class Arch(unittest.TestCase):
    def house(self, **changes):
        """The good house with some files changed or added."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for path, text in {**GOOD, **changes}.items():
            whole = os.path.join(folder.name, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as f:
                f.write(text)
        return House(folder.name)

    def sees(self, check, words, *rest, **changes):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(list(check(self.house(), *rest)), [])
            found = list(check(self.house(**changes), *rest))
        self.assertTrue(any(words in error for error in found), f"{words!r} not in {found}")

    def includes(self, words, path, text):
        self.sees(test_includes.check, words, **{path: "/* . */\n" + text})

    def test_up(self):
        self.includes("base may not include core", "src/base/must.c", '#include "core/model.h"\n')

    def test_sideways(self):
        self.includes("host may not include core", "src/host/log.c", '#include "core/model.h"\n')
        self.includes("codec may not include engine", "src/codec/x.c", '#include "engine/batch.c"\n')

    def test_foreign(self):
        self.includes("belongs in", "src/engine/batch.c", "#include <librdkafka/rdkafka.h>\n")
        self.includes("belongs in", "src/engine/batch.c", "#include <xxhash.h>\n")
        self.includes("belongs in", "src/adapters/x.c", "#include <yaml.h>\n")
        self.includes("in a pure folder", "src/core/model.c", "#include <time.h>\n")
        self.includes("in a pure folder", "include/leadstream/must.h", "#include <sys/stat.h>\n")
        self.includes("not known", "src/app/x.c", "#include <avro.h>\n")

    def test_no_file(self):
        self.includes("no file of the house", "src/app/x.c", '#include "core/lead.h"\n')

    def test_header_without_c(self):
        self.includes("no folder", "include/leadstream/lead.h", "")

    def test_circle(self):
        self.includes("a circle", "src/core/model.h", '#include "core/model.h"\n')

    def test_links(self):
        self.sees(test_includes.check, "host links", **{"src/CMakeLists.txt": LINKS.replace("host ls_base", "host ls_core")})

    def test_alone(self):
        self.sees(test_headers.check, "does not compile alone", COMPILER, "-Wall", "-Werror",
                  **{"src/core/model.h": "/* . */\nextern bool model;\n"})
        self.sees(test_headers.check, "does not compile alone", COMPILER, "-Wall", "-Werror",
                  **{"src/core/model.h": "/* . */\nstruct model {\n    int a;\n};\n"})

    def test_symbols(self):
        for words, text in ((None, "#include <string.h>\nint f(const char *a) { return memcmp(a, a, strlen(a)) != 0; }"),
                            ("time is not", "#include <time.h>\ntime_t f(void) { return time(NULL); }"),
                            ("fprintf is not", '#include <stdio.h>\nint f(int a) { return fprintf(stderr, "%d", a); }'),
                            ("pow is not", "#include <math.h>\ndouble f(double a) { return pow(a, a); }")):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([COMPILER, "-fno-builtin", "-x", "c", "-c", "-", "-o", f"{folder}/x.c.o"], input=text,
                               text=True, check=True)
                subprocess.run(["ar", "rc", f"{folder}/libls_core.a", f"{folder}/x.c.o"], check=True)
                found = test_symbols.check(None, f"{folder}/libls_core.a")
            if words is None:
                self.assertEqual(found, [])
            else:
                self.assertTrue(any(words in error for error in found), f"{words!r} not in {found}")

    def test_sizes(self):
        def wrong(words, text):
            self.sees(test_sizes.check, words, **{"src/core/model.c": "/* . */\n" + text})
        function = "static int f(int a,\n             int b) {\n%s}\n"
        wrong("a function of 71 lines", function % ("    a++;\n" * 68))
        wrong("columns", "/* " + "x" * 130 + " */\n")
        wrong("lines, at most", "\n" * 600)
        wrong("typedef", "typedef struct x x;\n")
        wrong("no float", "static double x;\n")
        wrong("time is an argument", "int f(void) {\n    return time(0);\n}\n")
        wrong("only app/", "int f(void) {\n    exit(1);\n}\n")
        self.sees(test_sizes.check, "does not begin", **{"src/core/model.c": "int x;\n"})
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(test_sizes.check(self.house(**{
                "src/core/model.c": "/* double; */\n" + function % ("    a++;\n" * 67) + 'const char *x = "exit(1)";\n'})), [])

    def test_docs(self):
        self.sees(test_docs.links, "leads nowhere", **{"src/README.md": "must model batch [x](nowhere.md)\n"})
        self.sees(test_docs.rooms, "does not tell of src/engine/batch.c", **{"src/README.md": "must model\n"})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main()
