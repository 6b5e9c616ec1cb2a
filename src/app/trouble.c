/* Growing pauses between the lines about one thing that lasts. An error of another code is told at once: it is news. */
#include "app/trouble.h"

#include "host/log.h"

#include <inttypes.h>

enum { PAUSE_FIRST = 1000, PAUSE_LAST = 60 * 1000, SERIOUS = 1000, OVER = 15 * 1000 /* ms */ };

void trouble_hear(struct trouble *trouble, unsigned worker, const char *event, const struct err *why, int64_t now) {
    char where[200], words[400];
    if (!trouble->since)
        *trouble = (struct trouble){.since = now, .next = now, .pause = PAUSE_FIRST};
    bool news = trouble->code != why->code;
    trouble->last = now;
    trouble->code = why->code;
    trouble->seen++;
    if (!news && now < trouble->next)
        return;
    trouble->next = now + trouble->pause;
    trouble->pause = trouble->pause * 2 < PAUSE_LAST ? trouble->pause * 2 : PAUSE_LAST;
    LOG(LOG_LEVEL_WARN, event, "worker=%u code=%s for_s=%" PRId64 " seen=%" PRIu64 " where=%s words=%s", worker,
        err_name(why->code), (now - trouble->since) / 1000, trouble->seen,
        log_quoted(where, sizeof where, why->where), log_quoted(words, sizeof words, why->words));
}

void trouble_look(struct trouble *trouble, unsigned worker, int64_t now) {
    if (!trouble->since || now - trouble->last < OVER)
        return;
    LOG(LOG_LEVEL_INFO, "well_again", "worker=%u code=%s after_s=%" PRId64 " seen=%" PRIu64, worker,
        err_name(trouble->code), (trouble->last - trouble->since) / 1000, trouble->seen);
    *trouble = (struct trouble){0};
}

int64_t trouble_lasts(const struct trouble *trouble, int64_t now) {
    return !trouble->since ? 0 : now > trouble->since ? now - trouble->since : 1;
}

bool trouble_serious(const struct trouble *trouble) {
    return trouble->since && trouble->last - trouble->since >= SERIOUS;
}
