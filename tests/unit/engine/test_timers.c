/* A heap of leads by (due, key), held against looking at all of them. */
#include "engine/timers.h"

#include "support/suite.h"
#include <stdio.h>

enum { LEADS = 200, STEPS = 20000 };

/* The earliest by looking at all that are in the heap. */
static struct cache_entry *earliest(struct cache_entry *entries) {
    struct cache_entry *best = NULL;
    for (int i = 0; i < LEADS; i++) {
        struct cache_entry *entry = &entries[i];
        if (!entry->heap_at)
            continue;
        if (!best || entry->lead.d.due < best->lead.d.due ||
            (entry->lead.d.due == best->lead.d.due && bytes_compare(entry->lead.key, best->lead.key) < 0))
            best = entry;
    }
    return best;
}

START_TEST(the_first_is_the_earliest) {
    static struct cache_entry entries[LEADS];
    static char keys[LEADS][8];
    struct timers timers = {NULL, 0, 0};
    uint64_t state = 7;
    for (int i = 0; i < LEADS; i++) {
        snprintf(keys[i], sizeof keys[i], "l-%03d", i);
        entries[i].lead.key = bytes_of(keys[i]);
    }
    for (int step = 0; step < STEPS; step++) {
        struct cache_entry *entry = &entries[suite_below(&state, LEADS)];
        uint32_t what = suite_below(&state, 10);
        entry->lead.d.due = what == 0 ? LEAD_NO_DUE : (int64_t)suite_below(&state, 50); /* many alike */
        if (what == 1)
            timers_remove(&timers, entry);
        else
            timers_update(&timers, entry);
        ck_assert_int_eq(entry->heap_at != 0, what > 1);
        ck_assert_ptr_eq(timers_first(&timers), earliest(entries));
    }
    timers_clear(&timers);
    ck_assert_ptr_null(timers_first(&timers));
    for (int i = 0; i < LEADS; i++)
        ck_assert_uint_eq(entries[i].heap_at, 0);
    timers_fini(&timers);
}
END_TEST

START_TEST(what_is_not_there_can_be_removed) {
    struct timers timers = {NULL, 0, 0};
    struct cache_entry entry = {.lead.d.due = LEAD_NO_DUE};
    timers_remove(&timers, &entry);
    timers_update(&timers, &entry);
    ck_assert_ptr_null(timers_first(&timers));
    timers_fini(&timers);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, the_first_is_the_earliest);
    tcase_add_test(all, what_is_not_there_can_be_removed);
}

SUITE_MAIN("timers", add)
