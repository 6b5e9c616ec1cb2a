/* What all rooms of the engine say and ask. */
#include "engine/shard.h"

#include <stdio.h>

const char *engine_where(struct engine *engine, const struct shard *shard, char *buffer, size_t n) {
    snprintf(buffer, n, "%s[%u]", engine->o.changelog, shard->number);
    return buffer;
}

void engine_tell(struct engine *engine, enum engine_event event, uint32_t shard, uint64_t count,
                 const struct err *why) {
    if (engine->o.tell)
        engine->o.tell(engine->o.host, event, shard, count, why);
}

bool engine_recoverable(enum err_code code) {
    return err_class(code) == ERR_CLASS_RETRY || code == ERR_ABORTED || code == ERR_STALLED ||
           code == ERR_FENCED || code == ERR_UNKNOWN_OUTCOME || code == ERR_LOST || code == ERR_BROKER;
}

bool engine_stuck(struct err *e) {
    if (err_class(e->code) == ERR_CLASS_REJECT)
        e->code = ERR_REFUSED;
    return false;
}
