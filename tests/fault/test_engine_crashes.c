/* A record that makes the process fail, wherever it stands among those of two topics and two shards of one engine: the
 * starts after it find out which it is, in as many crashes as are said, and set aside that one and no other. The process
 * that fails is played by a jump out of the engine, its notes by what it leaves in the place. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/lead_bytes.h>
#include <leadstream/when.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED = 50, NOTES = 256, MORE = 60, EACH = 40, CRASHES = 2 /* at one place */, FAILING = 60 /* calls */ };

static struct {
    struct setting s;
    struct sink sink;
    struct source source;
    struct engine_condemned bad;    /* the record that it fails at */
    bool in_batch;                  /* taken into the open one, and not rejected */
    struct {
        char lead[16];
        int64_t at;                 /* of one of its records by time */
        bool first, known, fails;   /* it is the first there is: before an event; or the last: by the clock */
    } timer;
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
    return a->topic == b->topic && a->shard == b->shard && a->offset == b->offset && a->index == b->index &&
           a->lead == b->lead;
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
            .topic = at->topic, .shard = at->shard, .index = at->index, .offset = at->offset, .lead = at->lead};
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
    ck_assert_uint_eq(play.s.counts.committed.rejected[ERR_POISON], crashes ? 1 : 0);
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

/* ---- timers ---- */

/* Finds that record; or fails at it. */
static bool emit_by_time(void *self, const struct record *record, struct err *e) {
    bool timer = play.s.place.busy && play.s.place.index == ENGINE_TIMER;
    if (timer && !play.timer.fails && !(play.timer.first && play.timer.known)) {
        snprintf(play.timer.lead, sizeof play.timer.lead, "%.*s", (int)record->lead.n, (const char *)record->lead.at);
        play.timer.at = record->at;
        play.timer.known = true;
    }
    if (timer && play.timer.fails && record->at == play.timer.at && bytes_is(record->lead, play.timer.lead)) {
        ck_assert_uint_eq(play.s.place.lead, event_hash(record->lead));
        longjmp(play.process, 1);
    }
    return play.sink.emit(self, record, e);
}

/* The lines of all other leads, in one string. */
static char *of_others(char *text) {
    char *out = NULL, *save = NULL;
    size_t size, n = strlen(play.timer.lead);
    FILE *to = open_memstream(&out, &size);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, play.timer.lead, n) != 0 || line[n] != ' ')
            fprintf(to, "%s\n", line);
    fclose(to);
    free(text);
    return out;
}

static void begin_timers(void) {
    setting_init(&play.s, SEED);
    engine_free(&play.s.engine);
    play.sink = play.s.sink;
    play.s.sink.emit = emit_by_time;
    play.n_notes = 0;
    setting_start(&play.s);
}

/* It is put aside in the transaction that says so: not before, not twice, and whoever has the shard then knows. */
static int64_t due_of_lead(void) {
    int64_t due = 0;
    uint32_t shard = (uint32_t)atoi(play.timer.lead + sizeof "lead-" - 1) % SETTING_SHARDS;
    struct bytes value = world_lead(play.s.world, shard, play.timer.lead);
    ck_assert(value.at && lead_bytes_due(value, &due));
    return due;
}

static char *scout(bool first) {
    play.timer.first = first;
    play.timer.known = play.timer.fails = false;
    begin_timers();
    setting_finish(&play.s);
    ck_assert(play.timer.known);
    char *text = of_others(published(&play.s));
    setting_fini(&play.s);
    return text;
}

static void restart(bool knowing) {
    if (knowing)
        read_notes();
    else
        play.s.n_condemned = 0;
    setting_crash(&play.s, false);
}

/* With the _i-th call failing at the start that puts it aside (0: none); or taking effect, which nobody says. */
START_TEST(a_timer_that_fails_is_put_aside_until_its_leads_next_event) {
    char *wanted = scout(false);
    const bool unknown = _i >= FAILING;
    volatile unsigned crashes = 0;
    play.timer.fails = true;
    begin_timers();
    if (setjmp(play.process)) {
        ck_assert_uint_le(++crashes, CRASHES);
        leave_notes();
        restart(true);
        if (crashes == CRASHES)
            world_fail(play.s.world, (uint64_t)(_i % FAILING), unknown ? ERR_UNKNOWN_OUTCOME : _i & 1 ? ERR_TIMEOUT : ERR_ABORTED,
                       unknown);
    }
    setting_finish(&play.s);
    ck_assert_uint_eq(crashes, CRASHES);
    ck_assert(play.s.counts.committed.rejected[ERR_POISON] == 1 || _i); /* again, where its batch was lost */
    ck_assert_int_eq(due_of_lead(), LEAD_NO_DUE);
    char *all = world_outputs(play.s.world), *letter = strstr(all, "65535/");
    ck_assert_msg(letter && strstr(letter, " poison") && !strstr(letter + 1, "65535/"), "%s", all);
    free(all);
    char *got = of_others(published(&play.s));
    ck_assert_str_eq(got, wanted);
    restart(false); /* what was put aside stays so, without anybody's notes */
    setting_finish(&play.s);
    ck_assert_uint_eq(play.s.counts.committed.rejected[ERR_POISON], 0);
    uint32_t shard = (uint32_t)atoi(play.timer.lead + sizeof "lead-" - 1) % SETTING_SHARDS;
    world_event(play.s.world, 0, shard, play.s.wall - WHEN_HOUR, play.timer.lead, "later", "web.page_viewed", "");
    restart(false);
    setting_finish(&play.s);
    ck_assert_int_gt(due_of_lead(), play.s.wall - WHEN_HOUR);
    ck_assert_int_ne(due_of_lead(), LEAD_NO_DUE);
    free(got);
    free(wanted);
    setting_fini(&play.s);
}
END_TEST

/* Nor is an event put aside for a timer of its lead that comes before it. */
START_TEST(a_timer_that_fails_before_an_event_is_put_aside_and_not_the_event) {
    char *wanted = scout(true);
    volatile unsigned crashes = 0;
    play.timer.fails = true;
    begin_timers();
    if (setjmp(play.process)) {
        ck_assert_uint_le(++crashes, CRASHES);
        leave_notes();
        restart(true);
    }
    setting_finish(&play.s);
    ck_assert_uint_eq(crashes, CRASHES);
    ck_assert_uint_eq(play.s.counts.committed.rejected[ERR_POISON], 1);
    ck_assert_int_eq(play.s.last_condemned.code, ERR_POISON);
    char *all = world_outputs(play.s.world);
    ck_assert_msg(strstr(all, "65535/"), "%s", all);
    free(all);
    char *got = of_others(published(&play.s));
    ck_assert_str_eq(got, wanted);
    free(got);
    free(wanted);
    setting_fini(&play.s);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, a_record_that_fails_at_the_end_of_its_batch_is_found_in_three_crashes, 0, EACH + 12);
    tcase_add_loop_test(all, a_timer_that_fails_is_put_aside_until_its_leads_next_event, 0, 2 * FAILING);
    tcase_add_test(all, a_timer_that_fails_before_an_event_is_put_aside_and_not_the_event);
}

SUITE_MAIN("engine: crashes", add)
