/* How long something has been in a worker's way, and when it is over. */
#include "app/trouble.h"
#include "host/log.h"
#include "support/suite.h"

enum { START = 1000, OVER = 15 * 1000 /* ms */ };

START_TEST(trouble_lasts_from_its_first_moment) {
    struct trouble trouble = {0};
    struct err why = {.code = ERR_AUTH};
    ck_assert_int_eq(trouble_lasts(&trouble, START), 0);
    trouble_hear(&trouble, 0, "retrying", &why, START);
    ck_assert_int_gt(trouble_lasts(&trouble, START), 0);
    trouble_hear(&trouble, 0, "retrying", &why, START + 700);
    ck_assert_int_eq(trouble_lasts(&trouble, START + 900), 900);
}
END_TEST

START_TEST(trouble_is_over_after_a_silence) {
    struct trouble trouble = {0};
    struct err why = {.code = ERR_AUTH};
    trouble_hear(&trouble, 0, "retrying", &why, START);
    trouble_hear(&trouble, 0, "retrying", &why, START + 700);
    trouble_look(&trouble, 0, START + 700 + OVER - 1);
    ck_assert_int_eq(trouble_lasts(&trouble, START + 700 + OVER - 1), 700 + OVER - 1);
    trouble_look(&trouble, 0, START + 700 + OVER);
    ck_assert_int_eq(trouble_lasts(&trouble, START + 700 + OVER), 0);
}
END_TEST

START_TEST(what_passes_within_a_second_is_not_serious) {
    struct trouble trouble = {0};
    struct err why = {.code = ERR_UNAVAILABLE};
    ck_assert(!trouble_serious(&trouble));
    trouble_hear(&trouble, 0, "retrying", &why, START);
    trouble_hear(&trouble, 0, "retrying", &why, START + 999);
    ck_assert(!trouble_serious(&trouble));
    trouble_hear(&trouble, 0, "retrying", &why, START + 1000);
    ck_assert(trouble_serious(&trouble));
    trouble_look(&trouble, 0, START + 1000 + OVER);
    ck_assert(!trouble_serious(&trouble));
}
END_TEST

static void add(TCase *all) {
    log_set_level(LOG_LEVEL_ERROR);
    tcase_add_test(all, trouble_lasts_from_its_first_moment);
    tcase_add_test(all, trouble_is_over_after_a_silence);
    tcase_add_test(all, what_passes_within_a_second_is_not_serious);
}

SUITE_MAIN("what is in the way", add)
