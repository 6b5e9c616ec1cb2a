/* The scorer: (model, lead, event) -> (lead, verdict); and what a lead's figures are at an instant.
 *
 * Integer arithmetic only, no clock, no I/O. A scorer is one thread's: it holds the model, scratch memory and counters;
 * leads are passed in. */
#ifndef LEADSTREAM_SCORE_H
#define LEADSTREAM_SCORE_H

#include <leadstream/arena.h>
#include <leadstream/lead.h>

enum record_kind { RECORD_SCORE_CHANGED, RECORD_SALES_READY, RECORD_ERASED };
enum record_trigger { TRIGGER_EVENT, TRIGGER_TIME, TRIGGER_MODEL, TRIGGER_MERGE };

/* Where points come from. */
enum reason_kind {
    REASON_RULE,        /* an engagement rule: name, points, count */
    REASON_FIT,         /* a fit rule: name, points */
    REASON_CLAMP_GROUP, /* name = the group's */
    REASON_CLAMP_ENGAGEMENT,
    REASON_CLAMP_FIT,
    REASON_WEIGHT_ENGAGEMENT,
    REASON_WEIGHT_FIT,
    REASON_CLAMP_TOTAL,
    REASON_ROUNDING
};

struct reason {
    enum reason_kind kind;
    struct bytes name;  /* rule or group; else empty */
    int64_t points;     /* hundredths; all reasons' points sum to the total exactly */
    int64_t count;      /* REASON_RULE: hundredths */
};

/* A lead's figures at an instant. */
struct score {
    int64_t total, engagement, fit; /* rounded, hundredths */
    int64_t *groups;                /* the same, by group; owned by whoever made the score */
    uint8_t stage;                  /* index; 0 where the model has no stages */
    uint8_t route;                  /* index; 0 where the model has no routes */
    char grade[2];
    bool ready;                     /* the sales-ready predicate */
};

/* What is published. Lives in the arena that the verdict was made in. */
struct record {
    enum record_kind kind;
    enum record_trigger trigger;
    uint8_t id[16];             /* a UUID's bytes */
    struct bytes lead;
    struct bytes cause;         /* the event's id; empty where the trigger is no event */
    int64_t at;
    struct score score;
    struct {
        int64_t total;
        uint8_t stage, route;
        char grade[2];
    } previous;                 /* RECORD_SCORE_CHANGED */
    size_t n_reasons;           /* RECORD_SALES_READY */
    const struct reason *reasons;
};

enum score_fate {
    FATE_TAKEN,
    FATE_DUPLICATE, /* nothing changed */
    FATE_DROPPED,   /* at or before the lead's erasure; nothing changed */
    FATE_ERASED     /* the lead is forgotten; d.erased is the erasure's time */
};

struct verdict {
    enum score_fate fate;
    bool late;                      /* before the lead's T */
    bool changed;                   /* memory or decisions other than `due` changed: the lead is to be stored */
    bool more;                      /* of score_event: only timers fired so far; publish, and call again */
    size_t n_records;
    const struct record *records;   /* in the order in which they are published; in the arena */
};

/* What a scorer met that may not be what the user meant. */
struct score_counts {
    uint64_t below_ids;     /* events taken below all of a full set of ids: maybe duplicates */
    struct cond_counts cond;
};

struct scorer;

/* A scorer for one thread. The model must outlive it. */
struct scorer *scorer_new(const struct model *model);
void scorer_free(struct scorer **scorer);
const struct score_counts *scorer_counts(const struct scorer *scorer);
const struct model *scorer_model(const struct scorer *scorer);

#define SCORE_UNBOUNDED SIZE_MAX
enum { SCORE_AT_ONCE = 1024 /* instants of change that happen in one call, where there is a budget */ };

/* One event on one lead, in the order of core/score.c: duplicate and erasure checks, the
 * timers due by then (each at its own instant), T, memory and profile, outcomes, evaluation, records, arming. budget:
 * evaluations that each search of an instant may take (SCORE_UNBOUNDED in score and replay of files). After it the
 * lead's d.due is at or before its next instant of change. With a budget, a lead that has more than SCORE_AT_ONCE
 * instants before the event stops there (verdict->more): the same event is then given again, once the records are
 * published. False: the arena is exhausted (ERR_OUTPUT_TOO_LARGE; the lead must then be dropped and loaded anew). */
NODISCARD bool score_event(struct scorer *scorer, struct lead *lead, const struct event *event, size_t budget,
                           struct arena *arena, struct verdict *verdict, struct err *e);

/* Does the event make timers fire before it is taken: is one due by its time, and is it neither dropped nor a duplicate? */
bool score_fires_first(const struct scorer *scorer, const struct lead *lead, const struct event *event);
/* That part of score_event alone, as much as one call of it would do: who gives the event next, until the former says
 * no, and then the event, has the same as without. Between the two d.due may be past the next instant of change. */
NODISCARD bool score_fire_first(struct scorer *scorer, struct lead *lead, const struct event *event, size_t budget,
                                struct arena *arena, struct verdict *verdict, struct err *e);

/* Time passes: the lead's instants of change at or before `now` happen, in order, each at its own T; then d.due is
 * armed past `now`. If the budget ends a search, d.due is where it stopped; maybe <= now, as after SCORE_AT_ONCE
 * instants: call again. */
NODISCARD bool score_advance(struct scorer *scorer, struct lead *lead, int64_t now, size_t budget,
                             struct arena *arena, struct verdict *verdict, struct err *e);

/* The first instant of change after the lead's T, exactly; LEAD_NO_DUE if none will come by `until`. */
int64_t score_next_instant(struct scorer *scorer, const struct lead *lead, int64_t until);

/* The lead's figures at `at` >= T, as its stage and readiness are now (advance first). out->groups must have room for
 * model->n_groups. */
void score_read(struct scorer *scorer, const struct lead *lead, int64_t at, struct score *out);

/* The reasons of score_read's total at `at`, highest points first (core/reason.c), in the arena; NULL: it is
 * exhausted. */
const struct reason *score_reasons(struct scorer *scorer, const struct lead *lead, int64_t at, struct arena *arena,
                                   size_t *n);

/* `from` is merged into `into`: memory by lead_merge, decisions as core/score.c says, then evaluated with trigger
 * merge. `from` is left as it was. */
NODISCARD bool score_merge(struct scorer *scorer, struct lead *into, const struct lead *from, struct arena *arena,
                           struct verdict *verdict, struct err *e);

#endif
