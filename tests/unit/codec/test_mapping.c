/* Paths of a mapping, good ones and bad ones. */
#include "codec/mapping.h"
#include "support/suite.h"

START_TEST(paths_are_names_and_indexes) {
    struct mapping_value v = {0};
    ck_assert(mapping_path(&v, bytes_of("contact.emails[12].address"), NULL));
    ck_assert_int_eq(v.kind, MAPPING_PATH);
    ck_assert_uint_eq(v.n_steps, 4);
    ck_assert_bytes_eq(v.steps[0].name, "contact");
    ck_assert_bytes_eq(v.steps[1].name, "emails");
    ck_assert_uint_eq(v.steps[2].name.n, 0);
    ck_assert_uint_eq(v.steps[2].index, 12);
    ck_assert_bytes_eq(v.steps[3].name, "address");
    ck_assert(mapping_path(&v, bytes_of("[0][1]"), NULL));
    ck_assert_uint_eq(v.n_steps, 2);
    ck_assert_uint_eq(v.steps[1].index, 1);
    ck_assert(mapping_path(&v, bytes_of("utm source"), NULL));
    ck_assert_uint_eq(v.n_steps, 1);
}
END_TEST

START_TEST(bad_paths_are_refused_with_words) {
    static const char *const bad[][2] = {
        {"", "an empty name"},       {".", "an empty name"},          {"a.", "an empty name"},
        {"a..b", "an empty name"},   {"a[", "an index that is not"},  {"a[]", "an index that is not"},
        {"a[x]", "an index that"},   {"a[1", "an index that is not"}, {"a]", "a ] without its ["},
        {"a[0]b", "without a dot"},  {"a[-1]", "an index that"},      {"a[65536]", "an index above"},
        {"a.[0]", "an empty name"},  {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "more than 16 steps"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mapping_value v;
        struct err e = {0};
        ck_assert_msg(!mapping_path(&v, bytes_of(bad[i][0]), &e), "%s was taken", bad[i][0]);
        ck_assert_int_eq(e.code, ERR_CONFIG);
        ck_assert_msg(strstr(e.words, bad[i][1]) != NULL, "%s: %s", bad[i][0], e.words);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, paths_are_names_and_indexes);
    tcase_add_test(all, bad_paths_are_refused_with_words);
}

SUITE_MAIN("mapping", add)
