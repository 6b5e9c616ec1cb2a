/* Records as the scorer makes them, one after the other, in the batch's arena. Private to the core. */
#ifndef LEADSTREAM_CORE_RECORD_H
#define LEADSTREAM_CORE_RECORD_H

#include "core/scorer.h"

/* The records of one verdict being made. */
struct record_list {
    struct scorer *scorer;
    struct arena *arena;
    struct record *at;
    size_t n, cap;
    bool ok; /* false: the arena is exhausted */
};

/* Why a record is published. */
struct record_why {
    enum record_trigger trigger;
    struct bytes cause; /* the event's id, or empty */
};

/* A new record of the lead at its T with what scorer->now says, and its id; NULL: the arena is exhausted. */
struct record *record_add(struct record_list *list, enum record_kind kind, const struct lead *lead,
                          struct record_why why);

/* The record of an erasure at t of a lead as it was before. */
struct record *record_add_erased(struct record_list *list, const struct lead *lead, int64_t t, struct record_why why);

#endif
