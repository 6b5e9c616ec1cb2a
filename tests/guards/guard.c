/* Which guard was taken away: part of ls_base in the preset `mutants` alone (src/base/guard.h). */
#include "base/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Made by CMake from the table of tests/guards/README.md. */
static const char *const NAMES[] = {
#include "guard_names.inc"
};

static const char *removed; /* written before threads are there */

bool guard_remove(const char *name) {
    removed = NULL;
    for (size_t i = 0; name && i < sizeof NAMES / sizeof *NAMES; i++)
        if (!strcmp(name, NAMES[i]))
            removed = NAMES[i];
    return !name || removed;
}

__attribute__((constructor)) static void read_environment(void) {
    const char *name = getenv("LEADSTREAM_WITHOUT");
    if (name && *name && !guard_remove(name)) {
        fprintf(stderr, "LEADSTREAM_WITHOUT: there is no guard %s (tests/guards/README.md lists them)\n", name);
        exit(2);
    }
}

bool guard_stands(const char *name) {
    return !removed || strcmp(removed, name) != 0;
}
