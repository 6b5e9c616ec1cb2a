/* Timers on disk that their leads no longer have, as catching up and building a shard leave them: more than are fired at
 * once, and all due before the one timer that is its lead's own. They publish nothing, hold up nothing, and go. */
#include "engine/changelog.h"
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEADS = 4500, FIRES = 4096 /* of a turn, by the engine */, GONE = 1500 /* of which nothing is stored */ };
enum { SHARD = 0, SEED = 60, LATER = 3 * WHEN_HOUR };

/* Not that of lead-0, which has a timer of its own. */
static size_t key_of(uint8_t *key, int i) {
    bool gone = i < GONE;
    return (size_t)snprintf((char *)key, CHANGELOG_MAX_KEY, "%c%s%d", CHANGELOG_LEAD, gone ? "gone-" : "lead-",
                            gone ? i : SETTING_SHARDS * (i - GONE + 1));
}

/* Each of LEADS leads gets that many timers beside its own, LEADS ms apart. */
static void add_stale(struct store *store, const struct store_shard *state, int64_t from, int each) {
    struct err e;
    for (int i = 0; i < LEADS * each; i++) {
        uint8_t text[CHANGELOG_MAX_KEY];
        struct bytes key = {text, key_of(text, i % LEADS)}, value;
        ck_assert(store->load(store->self, SHARD, &key, 1, &value, &e));
        ck_assert(!value.at == (i % LEADS < GONE));
        const struct store_put put = {key, value, from + i, LEAD_NO_DUE};
        ck_assert(store->write(store->self, SHARD, &put, 1, state, &e));
    }
}

/* The store at rest: with stale timers, or the earliest that is left. */
static void with_store(struct setting *s, int64_t from, int each, struct store_due *first, size_t *n) {
    struct store store = plain_store_port(s->disk, 0);
    struct store_shard state;
    struct err e;
    ck_assert(store.open(store.self, SHARD, &state, &e));
    add_stale(&store, &state, from, each);
    ck_assert(store.due(store.self, SHARD, INT64_MAX, first, 1, n, &e));
    store.close(store.self, SHARD);
}

static void start_again(struct setting *s) {
    setting_crash(s, false);
    setting_finish(s);
}

/* Leads that have come to rest, and one that moves: its next change by time is hours after the wall. */
static void prepare(struct setting *s) {
    setting_init(s, SEED);
    world_array(s->world, 0, SHARD, SETTING_START + 31 * WHEN_DAY, "many", "web.page_viewed", LEADS - GONE + 1);
    setting_finish(s);
    for (int i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof id, "new-%d", i);
        world_event(s->world, 0, SHARD, s->wall - WHEN_HOUR, "lead-0", id, "web.page_viewed", "");
    }
    start_again(s);
}

static size_t lines(const struct setting *s) {
    size_t n = 0;
    char *text = world_outputs(s->world);
    for (const char *at = text; *at; at++) /* strchr() would read to the end each time where a sanitizer looks on */
        n += *at == '\n';
    free(text);
    return n;
}

struct seen {
    char *outputs;
    int turns;      /* from the start to the change by time */
    size_t left;    /* timers on disk, 1: one or more */
    struct store_due first;
};

/* event: the lead has one, too, at the time of its timer, and taken while the stale ones are in the way. */
static struct seen play(int each, bool event) {
    struct setting s;
    struct err e;
    struct seen seen = {.turns = 0};
    prepare(&s);
    size_t n, before = lines(&s);
    with_store(&s, s.wall + LATER, each, &seen.first, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(!each || seen.first.due == s.wall + LATER);
    s.wall += 30 * WHEN_DAY;
    if (event)
        world_event(s.world, 1, SHARD, s.wall - WHEN_DAY, "lead-0", "last", "web.page_viewed", "");
    setting_crash(&s, false);
    for (; lines(&s) == before; seen.turns++) {
        ck_assert_int_lt(seen.turns, 1000);
        ck_assert_msg(setting_turn(&s, &e), "%s", e.words);
    }
    setting_finish(&s);
    seen.outputs = world_outputs(s.world);
    with_store(&s, 0, 0, &seen.first, &seen.left);
    setting_fini(&s);
    return seen;
}

/* turns: how many more it may take. (A full batch is committed at once, which saves two where nothing else is to be done.) */
static void compare(int each, bool event, int turns) {
    struct seen plain = play(0, event), stale = play(each, event);
    ck_assert_ptr_nonnull(strstr(plain.outputs, "trigger=1"));
    ck_assert_str_eq(stale.outputs, plain.outputs);
    ck_assert_msg(stale.turns <= plain.turns + turns, "%d and %d turns", stale.turns, plain.turns);
    ck_assert_uint_eq(stale.left, plain.left);
    ck_assert(!plain.left || stale.first.due == plain.first.due);
    free(plain.outputs);
    free(stale.outputs);
}

START_TEST(a_timer_behind_many_stale_ones_fires_at_its_time_and_soon) {
    compare(_i, false, _i * LEADS / FIRES + 1);
}
END_TEST

START_TEST(nor_is_it_late_for_its_leads_event) {
    compare(_i, true, _i * LEADS / FIRES + 1);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, a_timer_behind_many_stale_ones_fires_at_its_time_and_soon, 1, 3);
    tcase_add_loop_test(all, nor_is_it_late_for_its_leads_event, 1, 3);
}

SUITE_MAIN("engine: stale timers", add)
