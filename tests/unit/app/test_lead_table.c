/* Leads by key: each found again where it was, whatever the table grew to. */
#include "support/suite.h"

#include "app/lead_table.h"
#include <stdio.h>

enum { LEADS = 100000 };

static const struct model model;

static struct bytes key_of(size_t i, char *out) {
    int n = snprintf(out, 300, "%.*s%zu", (int)(i % 240), "", i);
    if (i % 100 == 0)
        n = snprintf(out, 300, "%0250zu", i); /* blocks of keys end anywhere */
    return (struct bytes){(const uint8_t *)out, (size_t)n};
}

START_TEST(finds_what_it_took) {
    static struct lead *leads[LEADS];
    struct lead_table *table = lead_table_new(&model);
    char key[300];
    for (size_t i = 0; i < LEADS; i++) {
        leads[i] = lead_table_get(table, key_of(i, key));
        ck_assert(bytes_equal(leads[i]->key, key_of(i, key)));
        ck_assert_uint_eq(lead_table_count(table), i + 1);
        ck_assert(lead_table_get(table, key_of(i / 2, key)) == leads[i / 2]);
    }
    for (size_t i = 0; i < LEADS; i++) {
        ck_assert(lead_table_get(table, key_of(i, key)) == leads[i]);
        ck_assert(lead_table_at(table, i) == leads[i]);
        ck_assert(leads[i]->d.t == LEAD_NEVER);
    }
    ck_assert_uint_eq(lead_table_count(table), LEADS);
    lead_table_free(&table);
    lead_table_free(&table);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, finds_what_it_took);
}

SUITE_MAIN("lead_table", add)
