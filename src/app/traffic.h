/* Realistic traffic, the same from the same seed: leads of several characters who visit, read, fill forms, go quiet,
 * come back and buy; mail scanners that click everything; events that come twice, or late; a little rubbish when asked.
 *
 * A pure generator: `generate` writes what it gives to files and topics, `demo` feeds itself with it. It never ends. */
#ifndef LEADSTREAM_TRAFFIC_H
#define LEADSTREAM_TRAFFIC_H

#include <leadstream/arena.h>
#include <leadstream/event.h>

struct traffic_options {
    uint64_t seed;
    uint32_t leads;  /* at least 1 */
    uint64_t events; /* so many come in about `days`, over all leads */
    uint32_t days;
    int64_t from;        /* ms; the first event's earliest time */
    uint32_t duplicates; /* of a million events, so many come a second time, up to hours later */
    uint32_t late;       /* so many come minutes to two days late, with the time at which they happened */
    uint32_t rubbish;    /* so many are no events at all */
};

struct traffic_item {
    bool rubbish;
    struct event event; /* if not rubbish */
    struct bytes text;  /* if rubbish: a line that is no event; the lead of the record's key is event.lead */
    int64_t at;         /* when it arrives: the event's time, or later; never falls */
};

struct traffic;

struct traffic *traffic_new(const struct traffic_options *options);
void traffic_free(struct traffic **traffic);

/* The next item, in the order of arrival. Its texts live in the arena (at most 4 KiB, which it must still have). */
void traffic_next(struct traffic *traffic, struct arena *arena, struct traffic_item *item);

/* Appends the item as it is sent, without a newline: the event as a line, or the rubbish. */
struct text;
void traffic_item_text(struct text *text, const struct traffic_item *item);

#endif
