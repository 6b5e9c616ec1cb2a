/* A record that makes the process fail, wherever it stands among those of two topics and two shards of one engine: the
 * starts after it find out which it is, in as many crashes as are said, and set aside that one and no other. The process
 * that fails is played by a jump out of the engine, its notes by what it leaves in the place. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED = 50, NOTES = 256, MORE = 60, EACH = 40, CRASHES = 2 /* at one place */ };

static struct {
    struct setting s;
    struct sink sink;
    struct source source;
    struct engine_condemned bad;    /* the record that it fails at */
    bool in_batch;                  /* taken into the open one, and not rejected */
    jmp_buf process;
    struct engine_place notes[NOTES];
    size_t n_notes;
    struct engine_condemned known[NOTES];
} play;

static bool is_bad(const struct intake *item) {
    return item->topic == play.bad.topic && item->shard == play.bad.shard && item->offset == play.bad.offset;
}

static bool watched_commit(void *self, struct err *e) {
    play.in_batch = false;
    return play.sink.commit(self, e);
}

static void watched_take(void *self, uint16_t topic, uint32_t shard) {
    const struct intake *item;
    ck_assert_int_eq(play.source.head(self, topic, shard, &item), SOURCE_ITEM);
    play.in_batch = play.in_batch || is_bad(item);
    play.source.take(self, topic, shard);
}

static bool watched_reject(void *self, const struct intake *item, const struct err *why, struct err *e) {
    play.in_batch = play.in_batch && !is_bad(item);
    return play.sink.reject(self, item, why, e);
}

static bool watched_log(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    if (play.in_batch && play.s.place.busy)
        longjmp(play.process, 1);
    return play.sink.log(self, shard, key, value, e);
}

static void note(struct engine_place place, uint32_t index) {
    ck_assert_uint_lt(play.n_notes, NOTES);
    play.notes[play.n_notes] = place;
    play.notes[play.n_notes++].index = index;
}

/* As the handler of crashes leaves them. */
static void leave_notes(void) {
    const volatile struct engine_place *at = &play.s.place;
    size_t parts = at->index == ENGINE_WHOLE_BATCH ? at->n_parts : 0;
    ck_assert(at->busy);
    for (size_t i = 0; i < parts; i++)
        note(at->parts[i], ENGINE_WHOLE_BATCH);
    if (!parts)
        note(*at, at->index);
}

static bool same_place(const struct engine_place *a, const struct engine_place *b) {
    return a->topic == b->topic && a->shard == b->shard && a->offset == b->offset && a->index == b->index;
}

/* As the next start reads them. */
static void read_notes(void) {
    play.s.n_condemned = 0;
    play.s.condemned = play.known;
    for (size_t i = 0; i < play.n_notes; i++) {
        const struct engine_place *at = &play.notes[i];
        size_t n = 0;
        for (size_t k = 0; k <= i; k++)
            n += same_place(at, &play.notes[k]);
        if (at->index == ENGINE_WHOLE_BATCH ? n > 1 : n != CRASHES)
            continue;
        struct engine_condemned *known = &play.known[play.s.n_condemned++];
        *known = (struct engine_condemned){
            .topic = at->topic, .shard = at->shard, .index = at->index, .offset = at->offset};
        err_set(&known->why, ERR_POISON, "there", "it crashed");
    }
}

/* One partition with many more records than the others. */
static void fill_more(struct setting *s) {
    for (int i = 0; i < MORE; i++) {
        char id[16];
        snprintf(id, sizeof id, "more-%d", i);
        world_event(s->world, 0, 0, SETTING_START + 40 * WHEN_DAY + i * WHEN_DAY / 8, "lead-0", id, "web.page_viewed", "");
    }
}

static void begin(void) {
    setting_init(&play.s, SEED);
    fill_more(&play.s);
    engine_free(&play.s.engine);
    play.s.max_events = 1000;
    play.sink = play.s.sink;
    play.source = play.s.source;
    play.s.sink.commit = watched_commit;
    play.s.sink.reject = watched_reject;
    play.s.sink.log = watched_log;
    play.s.source.take = watched_take;
    play.n_notes = 0;
    play.in_batch = false;
    setting_start(&play.s);
}

/* Without the dead letters, which may come in another order. */
static char *published(const struct setting *s) {
    char *text = world_outputs(s->world);
    text[strcspn(text, "~")] = 0;
    return text;
}

/* What a run would publish in which the record was bad from the beginning. */
static char *expected(void) {
    struct setting s;
    setting_init(&s, SEED);
    fill_more(&s);
    world_spoil(s.world, play.bad.topic, play.bad.shard, play.bad.offset, ERR_POISON);
    setting_finish(&s);
    char *text = published(&s);
    setting_fini(&s);
    return text;
}

static void finds_out(unsigned most) {
    volatile unsigned crashes = 0;
    char *wanted = expected();
    begin();
    if (setjmp(play.process)) {
        crashes++;
        ck_assert_msg(crashes <= most, "%u/%u/%lld: %u crashes", play.bad.topic, play.bad.shard,
                      (long long)play.bad.offset, crashes);
        leave_notes();
        read_notes();
        play.in_batch = false;
        setting_crash(&play.s, false);
    }
    setting_finish(&play.s);
    ck_assert_uint_eq(play.s.counts.poisoned, crashes ? 1 : 0);
    char *got = published(&play.s);
    ck_assert_msg(!crashes || !strcmp(got, wanted), "%.300s\n--- instead of\n%.300s", got, wanted);
    free(got);
    free(wanted);
    setting_fini(&play.s);
}

/* The first of each partition, then some of the long one. */
START_TEST(a_record_that_fails_at_the_end_of_its_batch_is_found_in_three_crashes) {
    play.bad = (struct engine_condemned){.topic = (uint16_t)(_i & 1), .shard = (uint32_t)(_i >> 1 & 1), .offset = _i >> 2};
    if (_i >= EACH)
        play.bad = (struct engine_condemned){.offset = 10 + (_i - EACH) * 5};
    finds_out(CRASHES + 1);
}
END_TEST

static void add(TCase *all) {
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_record_that_fails_at_the_end_of_its_batch_is_found_in_three_crashes, 0, EACH + 12);
}

SUITE_MAIN("engine: crashes", add)
