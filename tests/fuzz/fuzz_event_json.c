/* Any bytes as a JSON record, by the event line's mapping and by a foreign one: events that hold all that event_check
 * asks, or a reason. Nothing that an event keeps may lie in memory that the next record takes. */
#include "codec/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        .name = {(const uint8_t *)(text), sizeof(text) - 1 }                                                           \
    }
#define TEXT(text)                                                                                                     \
    { (const uint8_t *)(text), sizeof(text) - 1 }

static struct mapping_translation types[] = {{TEXT("open"), TEXT("email.opened")}};
static struct mapping_field fields[] = {
    {TEXT("url"), {.kind = MAPPING_PATH, .n_steps = 2, .steps = {NAME("fields"), NAME("url")}}},
    {TEXT("entry"), {.kind = MAPPING_PATH, .n_steps = 2, .steps = {NAME("list"), {.index = 1}}}},
};
static const struct mapping mappings[] = {
    {.shipped = true},
    {.lead = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("lead")}},
     .id = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("id")}},
     .time = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("time")}, .unit = MAPPING_UNIT_US},
     .type = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("type")}, .n_translations = 1, .translations = types},
     .machine = {.kind = MAPPING_PATH, .n_steps = 1, .steps = {NAME("machine")}},
     .n_fields = 2,
     .fields = fields},
};

/* All bytes of an event, as one number. */
static uint64_t sum_of(const struct event *event) {
    uint64_t sum = event_hash(event->lead) + event_hash(event->id) + event_hash(event->type);
    for (uint32_t i = 0; i < event->n_fields; i++)
        sum = sum * 31 + event_hash(event->fields[i].name) + event_hash(event->fields[i].value);
    return sum;
}

static void read_all(struct event_json *json, struct bytes record, struct arena *arena) {
    struct event event, last = {0};
    struct err e = {0};
    uint32_t index, expected = 0;
    if (!event_json_start(json, record, arena, &e)) {
        MUST(err_class(e.code) == ERR_CLASS_REJECT && *e.words);
        return;
    }
    enum decoder_status status;
    while ((status = event_json_next(json, &event, &index, &e)) != DECODER_END) {
        MUST(index == expected++);
        MUST(event.lead.n <= EVENT_MAX_LEAD);
        if (status == DECODER_EVENT) {
            MUST(event_check(&event, &e));
            last = event;
        } else {
            MUST(err_class(e.code) == ERR_CLASS_REJECT && *e.words);
        }
    }
    uint64_t sum = sum_of(&last);
    MUST(event_json_start(json, bytes_of("{\"z\":\"\\u007a\\u007a\\u007a\"}"), arena, &e));
    MUST(sum_of(&last) == sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *arena = arena_new((size_t)16 << 20);
    for (size_t i = 0; i < sizeof mappings / sizeof *mappings; i++) {
        struct event_json *json = event_json_new(&mappings[i], NULL);
        read_all(json, (struct bytes){data, n}, arena);
        event_json_free(&json);
    }
    arena_free(&arena);
    return 0;
}
