/* Any bytes as a record of a topic, framed or not: events that pass their own check, entries that are refused, or a
 * record that is refused as a whole. The first byte says which format the source has. */
#include "codec/decoder.h"
#include "codec/shipped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 100000 };
static struct decoder *decoders[3];
static struct arena *arena;

static void set_up(void) {
    static const struct mapping shipped_layout = {.shipped = true};
    struct schemas *set = schemas_new();
    const struct schema *last = NULL;
    arena = arena_new(4 * 1024 * 1024);
    for (size_t i = 0; i < n_shipped; i++)
        MUST((last = schemas_add(set, shipped[i].json, (int64_t)i, NULL)) != NULL);
    for (int i = 0; i < 3; i++) {
        static const enum decoder_format formats[] = {DECODER_JSON, DECODER_AVRO, DECODER_AVRO_BARE};
        struct decoder_options options = {.format = formats[i], .mapping = &shipped_layout, .schemas = set, .bare = last};
        decoders[i] = decoder_new(&options);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!arena)
        set_up();
    if (!size)
        return 0;
    struct decoder *decoder = decoders[data[0] % 3];
    struct err e = {.code = ERR_NONE};
    struct decoder_wanted wanted;
    if (!decoder_start(decoder, (struct bytes){data + 1, size - 1}, arena, &e)) {
        bool retry = err_class(e.code) == ERR_CLASS_RETRY;
        MUST(retry || err_class(e.code) == ERR_CLASS_REJECT);
        MUST(!retry || decoder_wanted(decoder, &wanted));
    } else {
        struct event event;
        uint32_t index = 0;
        enum decoder_status status;
        for (size_t n = 0; (status = decoder_next(decoder, &event, &index, &e)) != DECODER_END; n++) {
            MUST(n < MOST);
            MUST(status == DECODER_EVENT ? event_check(&event, NULL) : err_class(e.code) == ERR_CLASS_REJECT);
        }
    }
    arena_reset(arena);
    return 0;
}
