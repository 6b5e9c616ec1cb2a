/* Items that cannot be applied: known before the start, or found out while the engine runs, with any call failing
 * around it. They go to the dead letters; all else is as if they had never been events. */
#include "support/setting.h"
#include "support/suite.h"

#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

/* Even seeds have no late events: with those it would matter when a bad record is taken. */
enum { SEED = 50, PLACES = 256 };

/* Bad records are taken before events, condemned ones in their turn: the dead letters of a shard in any order. */
static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *letters_sorted(char *outputs) {
    char *lines[1000], *sorted = NULL, *save = NULL;
    size_t n = 0, size;
    char *letters = strchr(outputs, '~');
    if (!letters)
        return outputs;
    FILE *to = open_memstream(&sorted, &size);
    fwrite(outputs, 1, (size_t)(letters - outputs), to);
    for (char *line = strtok_r(letters, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        lines[n++] = line;
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%s\n", lines[i]);
    fclose(to);
    free(outputs);
    return sorted;
}

static char *outputs_of(const struct setting *s) {
    return letters_sorted(world_outputs(s->world));
}

static void same(const char *got, const char *expected, const char *how, uint64_t n) {
    size_t at = 0;
    while (got[at] && got[at] == expected[at])
        at++;
    while (at && got[at - 1] != '\n')
        at--;
    ck_assert_msg(!strcmp(got, expected), "%s %llu:\n%.400s\n--- instead of\n%.400s", how, (unsigned long long)n,
                  got + at, expected + at);
}

/* The places of the dead letters with this code. */
static size_t letters(const char *outputs, const char *code, struct engine_condemned *places) {
    size_t n = 0;
    for (const char *at = outputs; (at = strstr(at, " dead letter ")) != NULL; at++) {
        unsigned topic, shard;
        long long offset;
        char name[40];
        ck_assert_int_eq(sscanf(at, " dead letter %u/%u/%lld %39s", &topic, &shard, &offset, name), 4);
        ck_assert_uint_lt(n, PLACES);
        if (!strcmp(name, code))
            places[n++] = (struct engine_condemned){.topic = (uint16_t)topic, .shard = shard, .offset = offset};
    }
    return n;
}

/* A run of the same events in which those at these places are no events. */
static char *without(uint64_t seed, const struct engine_condemned *places, size_t n, enum err_code code) {
    struct setting s;
    setting_init(&s, seed);
    for (size_t i = 0; i < n; i++)
        world_spoil(s.world, places[i].topic, places[i].shard, places[i].offset, code);
    setting_finish(&s);
    char *text = outputs_of(&s);
    setting_fini(&s);
    return text;
}

/* The first event of a run whose record the topics do not take. */
static void cause_of(const char *outputs, char cause[16]) {
    const char *at = strstr(outputs, "trigger=0 ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(strstr(at, "cause="), "cause=%15s", cause), 1);
}

static char *refused_run(uint64_t seed, const char *cause, uint64_t fail_at, enum err_code code, bool after) {
    struct setting s;
    setting_init(&s, seed);
    world_refuse(s.world, cause);
    if (fail_at)
        world_fail(s.world, fail_at, code, after);
    setting_finish(&s);
    ck_assert_uint_ge(s.counts.committed.rejected[ERR_OUTPUT_TOO_LARGE], 1);
    ck_assert_uint_ge(s.told[ENGINE_CONDEMNED], 1);
    char *text = outputs_of(&s);
    setting_fini(&s);
    return text;
}

START_TEST(an_output_too_large_makes_a_dead_letter_of_its_event_alone) {
    for (uint64_t seed = SEED; seed < SEED + 30; seed += 2) {
        struct engine_condemned places[PLACES];
        char cause[16], pattern[40];
        char *all = setting_undisturbed(seed, NULL);
        cause_of(all, cause);
        char *got = refused_run(seed, cause, 0, ERR_NONE, false);
        size_t n = letters(got, "output-too-large", places);
        ck_assert_msg(n >= 1, "seed %llu", (unsigned long long)seed);
        snprintf(pattern, sizeof pattern, "cause=%s ", cause);
        ck_assert_ptr_null(strstr(got, pattern));
        char *expected = without(seed, places, n, ERR_OUTPUT_TOO_LARGE);
        same(got, expected, "seed", seed);
        free(all);
        free(got);
        free(expected);
    }
}
END_TEST

/* It is no failure of the world: no rest, no producer made anew, and not one of the ten. */
START_TEST(too_many_outputs_too_large_do_not_end_the_process) {
    struct setting s;
    struct err e;
    setting_init(&s, SEED);
    for (int i = 0; i < 40; i++) {
        char lead[16];
        snprintf(lead, sizeof lead, "lead-%d", i % SETTING_LEADS);
        world_event(s.world, 0, (uint32_t)(i % SETTING_LEADS) % SETTING_SHARDS,
                    SETTING_START + 30 * WHEN_DAY + i * WHEN_DAY / 8, lead, "same-id", "web.page_viewed", "");
    }
    world_refuse(s.world, "same-id");
    int turns = 0;
    for (; !world_done(s.world); turns++) {
        ck_assert_int_lt(turns, 1500); /* with rests in between it would take several times that */
        ck_assert_msg(setting_turn(&s, &e), "%s", e.words);
    }
    ck_assert_uint_ge(engine_counts(s.engine)->committed.rejected[ERR_OUTPUT_TOO_LARGE], 40);
    ck_assert_uint_ge(s.told[ENGINE_RESYNC], 20);
    ck_assert_str_eq(s.last_condemned.words, "a record is more than the topic takes");
    ck_assert_ptr_nonnull(strstr(s.last_condemned.where, "a/")); /* the place, not the topic that refused */
    setting_fini(&s);
}
END_TEST

START_TEST(any_call_may_fail_around_an_output_too_large) {
    static const struct {
        enum err_code code;
        bool after;
    } ways[] = {{ERR_TIMEOUT, false}, {ERR_ABORTED, false}, {ERR_FENCED, false}, {ERR_UNKNOWN_OUTCOME, true}};
    struct engine_condemned places[PLACES];
    uint64_t calls;
    char cause[16];
    char *all = setting_undisturbed(SEED, &calls);
    cause_of(all, cause);
    char *expected = refused_run(SEED, cause, 0, ERR_NONE, false);
    ck_assert_uint_ge(letters(expected, "output-too-large", places), 1);
    for (uint64_t n = 1 + 3 * (uint64_t)_i; n <= calls + 40; n += 24) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            char *got = refused_run(SEED, cause, n, ways[w].code, ways[w].after);
            same(got, expected, err_name(ways[w].code), n);
            free(got);
        }
    }
    free(all);
    free(expected);
}
END_TEST

/* What the host says before the start, as after two crashes at one place. */
START_TEST(a_condemned_item_is_a_dead_letter_from_the_start) {
    for (uint64_t seed = SEED; seed < SEED + 16; seed += 2) {
        struct engine_condemned known[2] = {{.topic = 0, .shard = 1, .offset = 4}, {.topic = 1, .offset = 2}};
        known[1].index = seed % 4 ? ENGINE_WHOLE_RECORD : 0;
        for (int i = 0; i < 2; i++)
            err_set(&known[i].why, ERR_POISON, "b/1/2", "it crashed");
        char *expected = without(seed, known, 2, ERR_POISON);
        for (int crash = 0; crash < 2; crash++) {
            struct setting s;
            struct err e;
            setting_init(&s, seed);
            engine_free(&s.engine);
            s.condemned = known;
            s.n_condemned = 2;
            setting_start(&s);
            for (int turns = 0; crash && turns < 30; turns++)
                ck_assert(setting_turn(&s, &e));
            if (crash)
                setting_crash(&s, true);
            setting_finish(&s);
            char *got = outputs_of(&s);
            same(got, expected, "seed", seed);
            ck_assert_uint_ge(s.told[ENGINE_CONDEMNED], 2);
            ck_assert(crash || s.counts.committed.rejected[ERR_POISON] == 2);
            free(got);
            setting_fini(&s);
        }
        free(expected);
    }
}
END_TEST

/* The offset of the last record of partition 0 of topic 0. */
static int64_t last_offset(struct setting *s) {
    const struct intake *item;
    int64_t offset = -1;
    while (s->source.head(s->source.self, 0, 0, &item) == SOURCE_ITEM) {
        offset = item->offset;
        s->source.take(s->source.self, 0, 0);
    }
    return offset;
}

START_TEST(entries_of_an_array_are_condemned_one_by_one_or_all) {
    for (int whole = 0; whole < 2; whole++) {
        struct setting s;
        setting_init(&s, SEED);
        engine_free(&s.engine);
        world_array(s.world, 0, 0, SETTING_START + 50 * WHEN_DAY, "array", "web.page_viewed", 3);
        struct engine_condemned known = {.index = whole ? ENGINE_WHOLE_RECORD : 1, .offset = last_offset(&s)};
        err_set(&known.why, ERR_POISON, "a/0", "it crashed");
        s.condemned = &known;
        s.n_condemned = 1;
        setting_start(&s);
        setting_finish(&s);
        ck_assert_uint_eq(s.counts.committed.rejected[ERR_POISON], whole ? 3 : 1);
        char *text = world_outputs(s.world);
        ck_assert_int_eq(strstr(text, "cause=array.0") != NULL, !whole);
        ck_assert_ptr_null(strstr(text, "cause=array.1"));
        ck_assert_int_eq(strstr(text, "cause=array.2") != NULL, !whole);
        free(text);
        setting_fini(&s);
    }
}
END_TEST

/* More entries than the list of condemned items holds, each too large: the record is condemned as a whole. */
START_TEST(a_record_of_nothing_but_outputs_too_large_is_passed) {
    struct setting s;
    setting_init(&s, SEED);
    world_array(s.world, 0, 0, SETTING_START + 50 * WHEN_DAY, "array", "web.page_viewed", 1100);
    world_refuse(s.world, "array.");
    setting_finish(&s);
    char *text = world_outputs(s.world);
    ck_assert_ptr_null(strstr(text, "cause=array."));
    ck_assert_ptr_nonnull(strstr(text, "output-too-large"));
    free(text);
    setting_fini(&s);
}
END_TEST

/* The place is that of the item at work; of a batch's last where any of its items may be to blame; else none. */
static const struct setting *watched;
static struct sink watched_sink;
static struct store watched_store;
static uint64_t seen, batches_seen;

static bool emit_and_look(void *self, const struct record *record, struct err *e) {
    if (record->trigger == TRIGGER_EVENT) {
        ck_assert(watched->place.busy);
        ck_assert_uint_lt(watched->place.topic, SETTING_TOPICS);
        ck_assert_uint_eq(watched->place.index, 0);
        seen++;
    }
    return watched_sink.emit(self, record, e);
}

static bool log_and_look(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    if (watched->place.busy) {
        ck_assert_uint_eq(watched->place.index, ENGINE_WHOLE_BATCH);
        batches_seen++;
    }
    return watched_sink.log(self, shard, key, value, e);
}

static bool load_and_look(void *self, uint32_t shard, const struct bytes *keys, size_t n, struct bytes *values,
                          struct err *e) {
    if (watched->place.busy) {
        ck_assert_uint_eq(watched->place.index, ENGINE_WHOLE_BATCH);
        ck_assert_uint_eq(watched->place.shard, shard);
        batches_seen++;
    }
    return watched_store.load(self, shard, keys, n, values, e);
}

static bool commit_and_look(void *self, struct err *e) {
    ck_assert(!watched->place.busy);
    return watched_sink.commit(self, e);
}

START_TEST(the_place_is_known_while_an_item_is_applied) {
    struct setting s;
    setting_init(&s, SEED);
    watched = &s;
    watched_sink = s.sink;
    watched_store = s.store;
    s.sink.emit = emit_and_look;
    s.sink.log = log_and_look;
    s.sink.commit = commit_and_look;
    s.store.load = load_and_look;
    setting_finish(&s);
    ck_assert_uint_gt(seen, 20);
    ck_assert_uint_gt(batches_seen, 20);
    ck_assert(!s.place.busy);
    setting_fini(&s);
}
END_TEST

/* A crash that any item of a batch may have caused: up to there each has a batch of its own and is to blame itself. */
static uint64_t singly, together, committed;

static bool log_and_count(void *self, uint32_t shard, struct bytes key, struct bytes value, struct err *e) {
    if (watched->place.busy && key.at[0] == 'L') {
        ck_assert(watched->place.index == 0 || watched->place.index == ENGINE_WHOLE_BATCH ||
                  watched->place.index == ENGINE_WHOLE_RECORD);
        if (watched->place.index == ENGINE_WHOLE_BATCH)
            together++;
        else
            singly++;
    }
    return watched_sink.log(self, shard, key, value, e);
}

static bool commit_and_count(void *self, struct err *e) {
    committed += !together;
    return watched_sink.commit(self, e);
}

START_TEST(after_a_crash_in_a_batch_its_items_are_taken_one_by_one) {
    struct engine_condemned known = {.topic = 0, .shard = 1, .index = ENGINE_WHOLE_BATCH, .offset = 8};
    struct setting s;
    char *expected = setting_undisturbed(SEED, NULL);
    err_set(&known.why, ERR_POISON, "a/1/8", "it crashed");
    setting_init(&s, SEED);
    engine_free(&s.engine);
    watched = &s;
    watched_sink = s.sink;
    s.sink.log = log_and_count;
    s.sink.commit = commit_and_count;
    s.condemned = &known;
    s.n_condemned = 1;
    singly = together = committed = 0;
    setting_start(&s);
    setting_finish(&s);
    setting_same(&s, expected, "one by one", 0);
    ck_assert_uint_eq(s.counts.committed.rejected[ERR_POISON], 0);
    ck_assert_msg(singly >= 8, "%llu", (unsigned long long)singly);
    ck_assert_uint_ge(committed, singly); /* each in a batch of its own */
    ck_assert_uint_gt(together, 0);       /* and later as ever */
    setting_fini(&s);
    free(expected);
}
END_TEST

/* Nor is there anything of other shards' timers in such a batch, which would be blamed on its one item. */
static uint64_t by_clock, by_event, fired;
static struct source watched_source;
static char taken[64]; /* the lead of the batch's item: its timers before it are its own affair */

static void take_and_note(void *self, uint16_t topic, uint32_t shard) {
    const struct intake *item;
    ck_assert_int_eq(watched_source.head(self, topic, shard, &item), SOURCE_ITEM);
    snprintf(taken, sizeof taken, "%.*s", item->bad ? 0 : (int)item->event.lead.n, (const char *)item->event.lead.at);
    watched_source.take(self, topic, shard);
}

static bool emit_and_sort(void *self, const struct record *record, struct err *e) {
    bool timer = watched->place.index == ENGINE_TIMER && !bytes_is(record->lead, taken);
    ck_assert(watched->place.busy);
    by_event += !timer;
    by_clock += timer;
    fired += timer;
    return watched_sink.emit(self, record, e);
}

static bool commit_alone(void *self, struct err *e) {
    ck_assert_msg(!by_clock || !by_event, "timers and an item in one batch");
    by_clock = by_event = 0;
    taken[0] = 0;
    return watched_sink.commit(self, e);
}

START_TEST(no_timer_goes_with_an_item_that_is_taken_alone) {
    struct setting s;
    setting_init(&s, SEED);
    engine_free(&s.engine);
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "more-%d", i);
        world_event(s.world, 0, 0, SETTING_START + 40 * WHEN_DAY + i * WHEN_DAY / 8, "lead-0", id, "web.page_viewed", "");
    }
    struct engine_condemned known = {.index = ENGINE_WHOLE_BATCH, .offset = last_offset(&s)};
    err_set(&known.why, ERR_POISON, "a/0", "it crashed");
    watched = &s;
    watched_sink = s.sink;
    s.sink.emit = emit_and_sort;
    s.sink.commit = commit_alone;
    watched_source = s.source;
    s.source.take = take_and_note;
    s.condemned = &known;
    s.n_condemned = 1;
    by_clock = by_event = fired = 0;
    setting_start(&s);
    setting_finish(&s);
    ck_assert_uint_gt(fired, 0);
    setting_fini(&s);
}
END_TEST

/* An output by time that the topic does not take is no event's fault: the process ends and says what to raise. */
static bool refuse_by_time(void *self, const struct record *record, struct err *e) {
    if (record->trigger == TRIGGER_TIME)
        return err_set(e, ERR_OUTPUT_TOO_LARGE, "scores", "raise max.message.bytes");
    return watched_sink.emit(self, record, e);
}

static void ends_by_time(bool before_event) {
    struct setting s;
    struct err e = {.code = ERR_NONE};
    setting_init(&s, SEED);
    watched_sink = s.sink;
    engine_free(&s.engine);
    setting_start(&s);
    int turns = 0;
    /* All events first, so that it is the clock that fires. */
    while (!before_event && !world_done(s.world))
        ck_assert(setting_turn(&s, &e));
    s.sink.emit = refuse_by_time;
    while (setting_turn(&s, &e))
        ck_assert_int_lt(turns++, 2000);
    ck_assert_int_eq(e.code, ERR_REFUSED);
    ck_assert_str_eq(e.words, "raise max.message.bytes");
    ck_assert_uint_eq(s.told[ENGINE_CONDEMNED], 0); /* counts are of what was committed, and would not show it */
    ck_assert(before_event == !world_done(s.world));
    setting_fini(&s);
}

START_TEST(an_output_by_time_that_is_too_large_ends_the_process) {
    ends_by_time(false);
}
END_TEST

/* In a backlog, too, where it comes before the lead's next event: that would be set aside for it, and the one after. */
START_TEST(nor_is_an_event_set_aside_for_an_output_by_time_before_it) {
    ends_by_time(true);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, an_output_too_large_makes_a_dead_letter_of_its_event_alone);
    tcase_add_test(all, too_many_outputs_too_large_do_not_end_the_process);
    tcase_add_loop_test(all, any_call_may_fail_around_an_output_too_large, 0, 8);
    tcase_add_test(all, a_condemned_item_is_a_dead_letter_from_the_start);
    tcase_add_test(all, entries_of_an_array_are_condemned_one_by_one_or_all);
    tcase_add_test(all, a_record_of_nothing_but_outputs_too_large_is_passed);
    tcase_add_test(all, the_place_is_known_while_an_item_is_applied);
    tcase_add_test(all, after_a_crash_in_a_batch_its_items_are_taken_one_by_one);
    tcase_add_test(all, no_timer_goes_with_an_item_that_is_taken_alone);
    tcase_add_test(all, an_output_by_time_that_is_too_large_ends_the_process);
    tcase_add_test(all, nor_is_an_event_set_aside_for_an_output_by_time_before_it);
}

SUITE_MAIN("items that cannot be applied", add)
