/* What every Check program of the tests shares: a main, and words for the commonest comparisons. */
#ifndef LEADSTREAM_TESTS_SUITE_H
#define LEADSTREAM_TESTS_SUITE_H

#include <check.h>
#include <leadstream/bytes.h>

/* Runs one suite of one test case that holds all `tests`, prints what failed; returns the exit code. A test that takes
 * two minutes has failed (CK_DEFAULT_TIMEOUT says otherwise). Under a sanitizer set CK_FORK=no, and there is no limit.
 * SUITE_ONLY=name in the environment runs that test alone; exit code 2 where there is none. */
int suite_run(const char *name, void (*add)(TCase *all));

/* int main() of a test program: SUITE_MAIN("name", add) where add(TCase *) calls tcase_add_test for each test. */
#define SUITE_MAIN(name, add)                                                                                         \
    int main(void) {                                                                                                  \
        return suite_run(name, add);                                                                                  \
    }

/* Check's own, but for SUITE_ONLY: the test, or a loop of it over start <= _i < end. */
void suite_add(TCase *all, const TTest *test, int start, int end);
#undef tcase_add_test
#define tcase_add_test(all, test) suite_add((all), (test), 0, 1)
#undef tcase_add_loop_test
#define tcase_add_loop_test(all, test, start, end) suite_add((all), (test), (int)(start), (int)(end))

/* A small random generator with a seed (splitmix64), for property tests: print the seed when one fails. */
uint64_t suite_random(uint64_t *state);
/* 0 <= result < n. */
uint32_t suite_below(uint64_t *state, uint32_t n);

#define ck_assert_bytes_eq(b, text)                                                                                   \
    ck_assert_msg(bytes_is((b), (text)), "expected \"%s\", got \"%.*s\"", (text), (int)(b).n, (const char *)(b).at)

#endif
