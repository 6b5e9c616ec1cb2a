/* What is remembered of one lead.
 *
 * A lead has two parts. Its memory (decayed counts, profile, recent event ids, newest event time, number of events) is
 * a commutative monoid and is kept as its canonical bytes, changed in place: two leads that saw the same events in any
 * order hold the same bytes, writing a lead to disk is a copy, and a cached lead is one piece of memory. The layout is
 * in core/lead.c. Its decisions are history: what was published, when it last fired. */
#ifndef LEADSTREAM_LEAD_H
#define LEADSTREAM_LEAD_H

#include <leadstream/event.h>
#include <leadstream/model.h>

#define LEAD_NEVER INT64_MIN /* no such instant yet */
#define LEAD_NO_DUE INT64_MAX /* no timer */

struct lead_decisions {
    int64_t t;          /* T; LEAD_NEVER: no event yet */
    int64_t due;        /* at or before the next instant of change; LEAD_NO_DUE */
    int64_t fired_at;   /* last sales-ready, LEAD_NEVER */
    int64_t erased;     /* time of the last erasure, LEAD_NEVER */
    int64_t pub_total;  /* last published: total in hundredths (0 if never) */
    uint32_t pub_stage; /* index */
    uint32_t pub_route; /* index */
    char pub_grade[2];  /* "D4" if never */
    uint8_t stage;      /* index */
    bool armed;
    bool closed;
    bool published;     /* ever; false: the pub_ figures are those of a lead never published */
};

/* Where a lead's memory comes from. resize gives a block of at least `need` bytes that begins with the first `keep`
 * bytes of `old` (NULL: nothing yet; *cap is its size), sets *cap to the new one's true size, and takes `old` back;
 * need == 0 takes back only and returns NULL. Leads ask for what they need now, so a room rounds up, geometrically, or
 * is asked often. It never fails: who cannot give more ends the process, since the worst lead of a model is known in
 * advance. */
struct lead_room {
    void *self;
    uint8_t *(*resize)(void *self, uint8_t *old, size_t keep, size_t need, size_t *cap);
};

/* A room on the heap, for tests and small programs; stateless. */
extern const struct lead_room lead_heap;

struct lead {
    struct bytes key;           /* lent by whoever holds the lead */
    const struct lead_room *room;
    uint8_t *memory;            /* canonical bytes; NULL while nothing is remembered */
    uint32_t n, cap;            /* bytes used, bytes there */
    struct lead_decisions d;
    int64_t fit;                /* sum of the fit rules' points over the profile (0.0001), valid if fit_known; a cache
                                   that is never stored */
    bool fit_known;
    int64_t drops_at;           /* nothing remembered grows too old to count before a newest event time of this; a lower
                                   bound and a cache, never stored; LEAD_NEVER: not known */
};

/* A lead of which nothing is known. */
void lead_init(struct lead *lead, const struct lead_room *room, struct bytes key, const struct model *model);
/* Gives the memory back. */
void lead_fini(struct lead *lead);

/* True where an event id with this hash is remembered. */
bool lead_knows_id(const struct lead *lead, uint64_t id_hash);
/* Newest event time (LEAD_NEVER) and number of events taken since the last erasure. */
int64_t lead_newest(const struct lead *lead);
uint64_t lead_events(const struct lead *lead);

/* What taking an event needs besides the lead and the event: prepared half-lives and scratch memory. One thread's. */
struct lead_tools;
/* The model must outlive them. */
struct lead_tools *lead_tools_new(const struct model *model);
void lead_tools_free(struct lead_tools **tools);

/* Memory takes the event: id, newest time, the counts of every rule that matches, the profile. Does not look for
 * duplicates. The event must have passed event_check. Returns what happened, for the metrics. */
struct lead_taken {
    bool below_ids;     /* below all of a full set of ids: cannot be told from a duplicate */
    bool wrote_profile;
};
struct lead_taken lead_take(struct lead *lead, struct lead_tools *tools, const struct event *event,
                            struct cond_counts *counts);

/* The profile: texts by attribute slot, lent until the lead changes; absent and cleared ones are empty. `texts` has
 * room for model->n_attrs. */
void lead_profile(const struct lead *lead, const struct model *model, struct bytes *texts);

/* Adds the memory of `from` to `into` (disjoint sets of events). Decisions are merged by score_merge. */
void lead_merge(struct lead *into, const struct lead *from, const struct model *model);

/* Forgets everything, memory and decisions, and remembers that the lead was erased at t (LEAD_NEVER: not even that). */
void lead_forget(struct lead *lead, const struct model *model, int64_t erased);

/* Checks that `memory` is well-formed for the model (sorted, in limits, no byte over): stored bytes are never
 * trusted. */
NODISCARD bool lead_memory_check(struct bytes memory, const struct model *model, struct err *e);

/* The bytes that a lead's memory says of itself (its canonical bytes), empty where nothing is remembered. */
static inline struct bytes lead_memory(const struct lead *lead) {
    return (struct bytes){lead->memory, lead->n};
}

#endif
