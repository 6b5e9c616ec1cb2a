/* Assertions that stay on: the one place where leadstream ends itself because of its own bug, and the one variable of
 * the pure folders, for what has no way to hand it on. */
#include <leadstream/must.h>

#include <stdio.h>
#include <stdlib.h>

static struct must_failure failure;

void must_fail(const char *cond, const char *file, int line) {
    fprintf(stderr, "leadstream: bug: %s (%s:%d)\n", cond, file, line);
    failure = (struct must_failure){cond, file, line};
    abort();
}

const struct must_failure *must_failure(void) {
    return &failure;
}
