/* Which letters a `redrive` means, what becomes of each, and where it goes: pure, so that every case can be tried. */
#ifndef LEADSTREAM_REDRIVE_JUDGE_H
#define LEADSTREAM_REDRIVE_JUDGE_H

#include "adapters/kafka_letters.h"
#include <leadstream/arena.h>

enum { REDRIVE_SENT_MOST = 3 /* times that a letter may be sent back without --again */ };

/* What a user asks for. NULL, -1 and the ends of int64: anything. */
struct redrive_filter {
    const char *code, *topic, *lead;
    const char *words;      /* the reason has this in it */
    int64_t partition;      /* of the source topic */
    int64_t since, until;   /* ms, both in: when the record came */
};

struct redrive_source {
    const char *topic;
    uint32_t partitions;    /* 0: the topic is gone */
    int64_t retention;      /* ms, -1: for ever */
    bool trust_partition;   /* its producers partition by something else on purpose */
};

struct redrive_rules {
    struct redrive_filter filter;
    struct bytes group;     /* letters of another are someone else's */
    const struct redrive_source *sources;
    size_t n_sources;
    bool again;             /* also those that came back REDRIVE_SENT_MOST times */
    bool old;               /* also those that their topic might delete before they are read */
    int64_t now;            /* ms */
};

/* X(fate, state in JSON lines, words for the table: "3 letters ..") */
#define REDRIVE_FATES(X)                                                                                               \
    X(GO, "to-send", "to be sent back")                                                                                \
    X(SENT, "sent", "sent back before")                                                                                \
    X(NO_SOURCE, "no-source", "held back: this configuration has no such source, or its topic or partition is gone")   \
    X(CUT, "cut", "held back: cut when they were written; the whole record is at its source for as long as retention " \
                  "allows")                                                                                            \
    X(NO_ENTRY, "no-entry", "held back: the entry of the array that is meant is not an object that can be found")      \
    X(POISON, "poison", "held back: records at which the process died; only --code poison sends them back")            \
    X(AGAIN, "came-back", "held back: came back 3 times or more; mend the cause, then use --again")                    \
    X(OLD, "old",                                                                                                      \
      "held back: older than their topic keeps records, so that it might delete them unread; raise its retention.ms "  \
      "for a while, or use --old while the daemon runs")                                                               \
    X(REFUSED, "refused",                                                                                              \
      "held back: their topic does not take them as they are (see the log); change what the topic allows, then again")  \
    X(LIMIT, "beyond-limit", "left for another time (--limit)")

enum redrive_fate {
#define X(fate, state, words) REDRIVE_##fate,
    REDRIVE_FATES(X)
#undef X
    REDRIVE_FATES_END
};

const char *redrive_fate_state(enum redrive_fate fate);
const char *redrive_fate_words(enum redrive_fate fate);

/* When the record came: its own timestamp, else the letter's. */
int64_t redrive_time(const struct kafka_letter *letter);

/* Does the filter mean this letter? */
bool redrive_meant(const struct redrive_filter *filter, const struct kafka_letter *letter);

/* What becomes of a letter that is meant, whatever --limit says. GO: *source and *partition say where it goes.
 * `was_sent`: a receipt has it. */
enum redrive_fate redrive_judge(const struct redrive_rules *rules, const struct kafka_letter *letter, bool was_sent,
                                size_t *source, uint32_t *partition);

/* The bytes to be sent: the value, or of an array the text of the entry that is meant (the others were taken, or are
 * letters of their own). The arena is only worked with. False: NO_ENTRY. */
NODISCARD bool redrive_value(const struct kafka_letter *letter, struct arena *arena, struct bytes *value);

#endif
