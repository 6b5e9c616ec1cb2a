/* Limits of the process: raised as far as the system lets, or refused in words. */
#include "host/limits.h"
#include "support/suite.h"

#include <string.h>
#include <sys/resource.h>

START_TEST(what_may_be_raised_is_raised) {
    struct rlimit limit;
    struct err e;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t most = limit.rlim_max;
    limit.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(limits_files(65, &e));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(limit.rlim_cur == most);
}
END_TEST

START_TEST(what_is_not_allowed_is_refused_with_both_figures) {
    struct rlimit limit = {64, 64};
    struct err e;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(!limits_files(65, &e));
    ck_assert_int_eq(e.code, ERR_DISK);
    ck_assert(strstr(e.words, "65") && strstr(e.words, "64") && strstr(e.words, "ulimit -n 65"));
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, what_may_be_raised_is_raised);
    tcase_add_test(all, what_is_not_allowed_is_refused_with_both_figures);
}

SUITE_MAIN("limits", add)
