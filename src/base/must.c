/* Assertions that stay on: the one place where leadstream ends itself because of its own bug. */
#include <leadstream/must.h>

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *cond, const char *file, int line) {
    fprintf(stderr, "leadstream: bug: %s (%s:%d)\n", cond, file, line);
    abort();
}
