/* What one generated event says: its ids, and the fields that its type has. Private to app/traffic.
 *
 * Everything follows from the seed and numbers by hashing, nothing is remembered: a lead has the same title, company
 * and country whenever it is asked for. */
#ifndef LEADSTREAM_TRAFFIC_DRAFT_H
#define LEADSTREAM_TRAFFIC_DRAFT_H

#include "app/traffic_plot.h"
#include <leadstream/arena.h>
#include <leadstream/event.h>

enum { TRAFFIC_MAX_FIELDS = 8 };

struct traffic_draft {
    uint64_t seed;
    uint32_t lead;   /* number */
    uint64_t number; /* of the event */
    uint16_t mail;   /* which of the lead's mailings it belongs to */
    int64_t time;
    const struct plot_persona *persona;
    const struct plot_step *step;
};

/* Scrambles a number: nearby numbers give unlike ones. */
uint64_t traffic_mix(uint64_t z);

/* The event; its texts and fields in the arena (at most 3 KiB). */
void traffic_draft(const struct traffic_draft *draft, struct arena *arena, struct event *event);

/* A lead's id. */
struct bytes traffic_lead(uint32_t lead, struct arena *arena);

/* A line that is no event, of one of several kinds (kind may be any number). */
struct bytes traffic_rubbish(uint64_t seed, uint32_t lead, uint32_t kind, struct arena *arena);

#endif
