/* A stored lead is read back as it was, and any other bytes are refused without harm. */
#include "fixture.h"

#include <leadstream/lead_bytes.h>
#include <stdio.h>

enum { MOST = 4096 };

/* A lead with something of everything, as bytes. */
static size_t stored(struct model *model, uint8_t *out) {
    struct scorer *scorer = scorer_new(model);
    struct arena *arena = arena_new(1 << 20);
    struct lead lead;
    lead_init(&lead, &lead_heap, bytes_of("l-1"), model);
    static const char *const types[] = {"email.opened",     "email.clicked",      "email.replied",
                                        "meeting.attended", "email.unsubscribed", "form.submitted"};
    for (int i = 0; i < 24; i++) {
        char id[4];
        snprintf(id, sizeof id, "e%d", i);
        struct event_field field;
        struct event event = fixture_event(types[i % 6], id, FIXTURE_START + i * WHEN_HOUR);
        event = fixture_with(event, &field, i % 6 == 5 ? "size" : "campaign", i % 6 == 5 ? "150" : id);
        struct verdict verdict;
        struct err e;
        ck_assert(score_event(scorer, &lead, &event, SCORE_UNBOUNDED, arena, &verdict, &e));
    }
    struct writer w = writer_of(out, MOST);
    lead_bytes_write(&lead, model, &w);
    ck_assert(w.ok);
    lead_fini(&lead);
    scorer_free(&scorer);
    arena_free(&arena);
    return writer_done(&w).n;
}

/* Reads; what is taken must score and write itself without harm. */
static bool reads(struct model *model, const uint8_t *bytes, size_t n, char words[320]) {
    struct lead lead;
    struct err e = {.code = ERR_NONE};
    lead_init(&lead, &lead_heap, bytes_of("l-1"), model);
    bool read = lead_bytes_read(&lead, model, (struct bytes){bytes, n}, &e);
    ck_assert(read || e.code == ERR_CORRUPT);
    if (!read) {
        memcpy(words, e.words, 320);
    } else if (lead.n) {
        struct scorer *scorer = scorer_new(model);
        int64_t groups[1];
        struct score score = {.groups = groups};
        score_read(scorer, &lead, lead.d.t, &score);
        scorer_free(&scorer);
    }
    lead_fini(&lead);
    return read;
}

START_TEST(is_read_back_as_it_was) {
    struct model *model = fixture_model();
    uint8_t first[MOST], second[MOST];
    size_t n = stored(model, first);
    struct lead lead;
    struct err e;
    lead_init(&lead, &lead_heap, bytes_of("l-1"), model);
    ck_assert(lead_bytes_read(&lead, model, (struct bytes){first, n}, &e));
    ck_assert(lead.d.stage == 2 && lead.d.published && !lead.d.armed && lead_events(&lead) == 24);
    struct writer w = writer_of(second, sizeof second);
    lead_bytes_write(&lead, model, &w);
    ck_assert(bytes_equal(writer_done(&w), (struct bytes){first, n}));
    int64_t due;
    ck_assert(lead_bytes_due((struct bytes){first, n}, &due) && due == lead.d.due);
    ck_assert_uint_le(n, lead.n + LEAD_BYTES_OVERHEAD);
    lead_fini(&lead);
    model_free(&model);
}
END_TEST

START_TEST(an_erased_lead_is_only_its_erasure) {
    struct model *model = fixture_model();
    uint8_t bytes[MOST];
    struct lead lead;
    struct err e;
    lead_init(&lead, &lead_heap, bytes_of("l-1"), model);
    lead_forget(&lead, model, FIXTURE_START);
    struct writer w = writer_of(bytes, sizeof bytes);
    lead_bytes_write(&lead, model, &w);
    lead.d.erased = LEAD_NEVER;
    ck_assert(lead_bytes_read(&lead, model, writer_done(&w), &e));
    ck_assert(lead.d.erased == FIXTURE_START && lead.n == 0);
    lead_fini(&lead);
    model_free(&model);
}
END_TEST

START_TEST(cut_or_lengthened_bytes_are_refused) {
    struct model *model = fixture_model();
    uint8_t bytes[MOST + 1] = {0};
    char words[320];
    size_t n = stored(model, bytes);
    for (size_t i = 0; i < n; i++)
        ck_assert(!reads(model, bytes, i, words));
    ck_assert(!reads(model, bytes, n + 1, words));
    int64_t due;
    ck_assert(!lead_bytes_due((struct bytes){bytes, n - 1}, &due));
    ck_assert(reads(model, bytes, n, words));
    bytes[0] = 2;
    ck_assert(!reads(model, bytes, n, words) && strstr(words, "format version"));
    model_free(&model);
}
END_TEST

START_TEST(what_does_not_fit_the_model_is_refused) {
    struct model *model = fixture_model();
    uint8_t bytes[MOST];
    char words[320];
    size_t n = stored(model, bytes);
    model->dedupe = 3;
    ck_assert(!reads(model, bytes, n, words) && strstr(words, "event ids"));
    model->dedupe = FIXTURE_IDS;
    uint32_t hash = model->rules[1].hash;
    model->rules[1].hash = model->rules[0].hash + 1;
    ck_assert(!reads(model, bytes, n, words) && strstr(words, "unknown to the model"));
    model->rules[1].hash = hash;
    model->n_attrs = 0;
    ck_assert(!reads(model, bytes, n, words) && strstr(words, "attribute"));
    model_free(&model);
}
END_TEST

START_TEST(decisions_that_cannot_be_are_refused) {
    static const struct {
        int from_end;
        uint8_t value;
        const char *words;
    } cases[] = {
        {55, 0, "T does not fit"},        /* T before the newest event */
        {55 - 5, 0xff, "T does not fit"}, /* T after all that can fade */
        {47 - 5, 0, "due time"},          {31 - 7, 0, "erasure"}, {1, 8, "figures"}, {7, 'Z', "figures"},
    };
    struct model *model = fixture_model();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[MOST];
        char words[320] = "";
        size_t n = stored(model, bytes);
        bytes[n - (size_t)cases[i].from_end] = cases[i].value;
        if (i == 0)
            memset(bytes + n - 55, 0, 8);
        ck_assert_msg(!reads(model, bytes, n, words) && strstr(words, cases[i].words), "case %zu: %s", i, words);
    }
    model_free(&model);
}
END_TEST

START_TEST(mutated_bytes_do_no_harm) {
    struct model *model = fixture_model();
    uint8_t good[MOST], bad[MOST];
    char words[320];
    size_t n = stored(model, good);
    uint64_t seed = 11;
    for (int turn = 0; turn < 20000; turn++) {
        memcpy(bad, good, n);
        for (uint32_t i = 0, hits = 1 + suite_below(&seed, 3); i < hits; i++)
            bad[suite_below(&seed, (uint32_t)n)] = (uint8_t)suite_random(&seed);
        reads(model, bad, n - (suite_below(&seed, 10) == 0 ? suite_below(&seed, (uint32_t)n) : 0), words);
    }
    for (int turn = 0; turn < 20000; turn++) {
        size_t length = suite_below(&seed, 300);
        for (size_t i = 0; i < length; i++)
            bad[i] = (uint8_t)suite_random(&seed);
        if (length)
            bad[0] = 1;
        reads(model, bad, length, words);
    }
    model_free(&model);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, is_read_back_as_it_was);
    tcase_add_test(all, an_erased_lead_is_only_its_erasure);
    tcase_add_test(all, cut_or_lengthened_bytes_are_refused);
    tcase_add_test(all, what_does_not_fit_the_model_is_refused);
    tcase_add_test(all, decisions_that_cannot_be_are_refused);
    tcase_add_test(all, mutated_bytes_do_no_harm);
}

SUITE_MAIN("lead_bytes", add)
