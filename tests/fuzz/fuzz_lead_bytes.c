/* Any bytes as a stored lead: refused, or a lead that scores, goes on and writes the same bytes again. */
#include "codec/model_yaml.h"

#include <leadstream/lead_bytes.h>
#include <leadstream/score.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "model: fuzz\nversion: 1\n"
                           "engagement:\n  half_life: 1d\n  groups:\n    all:\n      rules:\n"
                           "        - {id: a, on: email.opened, points: 1}\n"
                           "        - {id: b, on: email.opened, points: -2, half_life: 2d}\n"
                           "        - {id: c, on: email.opened, points: 3, half_life: none}\n"
                           "        - {id: d, on: email.opened, points: 4, limit: {count: 2, per: 1d}}\n"
                           "        - {id: e, on: email.opened, points: 5, limit: {count: 2, per: lifetime}}\n"
                           "        - {id: f, on: email.opened, points: 6, limit: {once_per: campaign}}\n"
                           "fit: {rules: [{id: g, when: {title: x}, points: 1}]}\n"
                           "stages: [{name: cold}, {name: hot, enter: 10}]\nsales_ready: {when: {stage: hot}}\n";

static struct model *compile(void) {
    struct problems problems = {0};
    struct model *model = model_yaml_compile(bytes_of(text), "fuzz.yaml", &problems);
    problems_fini(&problems);
    return model;
}

static void go_on(struct scorer *scorer, struct lead *lead, struct arena *arena) {
    struct event_field field = {bytes_of("campaign"), bytes_of("a")};
    int64_t newest = lead_newest(lead);
    struct event event = {.lead = lead->key,
                          .id = bytes_of("new"),
                          .type = bytes_of("email.opened"),
                          .n_fields = 1,
                          .fields = &field,
                          .time = newest > 0 ? newest : INT64_C(1795392000000)};
    struct verdict verdict;
    struct err e;
    if (!score_event(scorer, lead, &event, 64, arena, &verdict, &e) && e.code != ERR_OUTPUT_TOO_LARGE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct model *model;
    static struct scorer *scorer;
    static struct arena *arena;
    if (!model) {
        model = compile();
        if (!model)
            abort();
        scorer = scorer_new(model);
        arena = arena_new(1 << 20);
    }
    struct lead lead;
    lead_init(&lead, &lead_heap, bytes_of("l"), model);
    if (lead_bytes_read(&lead, model, (struct bytes){data, size}, NULL)) {
        uint8_t *again = malloc(size);
        struct writer w = writer_of(again, size);
        lead_bytes_write(&lead, model, &w);
        if (!w.ok || writer_done(&w).n != size)
            abort();
        free(again);
        go_on(scorer, &lead, arena);
        arena_reset(arena);
    }
    lead_fini(&lead);
    return 0;
}
