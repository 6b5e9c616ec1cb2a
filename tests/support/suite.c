/* The main of every Check program. */
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Check's macro as it was. */
#define ADD(all, test, start, end) _tcase_add_test((all), (test), 0, 0, (start), (end))

static size_t added; /* the tests that SUITE_ONLY leaves */

void suite_add(TCase *all, const TTest *test, int start, int end) {
    const char *only = getenv("SUITE_ONLY");
    if (only && strcmp(only, test->name) != 0)
        return;
    added++;
    ADD(all, test, start, end);
}

int suite_run(const char *name, void (*add)(TCase *all)) {
    setenv("CK_DEFAULT_TIMEOUT", "120", 0); /* s for one test, where Check's own 4 are those of an idle machine */
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    add(all);
    if (!added) {
        fprintf(stderr, "%s: no test %s\n", name, getenv("SUITE_ONLY"));
        return 2;
    }
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

uint64_t suite_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t suite_below(uint64_t *state, uint32_t n) {
    return (uint32_t)((suite_random(state) >> 32) * n >> 32);
}

/* ThreadSanitizer sees the calls of these libraries into libc, but not their locks: what it would say of them is not so. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "called_from_lib:librocksdb.so\ncalled_from_lib:libstdc++.so\ncalled_from_lib:librdkafka.so\n";
}
#endif
#endif
