/* Which letters of a partition were sent back: a set of offsets as ranges, filled from receipts in any order. */
#ifndef LEADSTREAM_REDRIVE_RANGES_H
#define LEADSTREAM_REDRIVE_RANGES_H

#include "adapters/dead_letter.h"

enum { REDRIVE_RANGES_MOST = 1000000 }; /* of a partition, once joined: 16 MB */

/* Zeros are the empty set. */
struct redrive_ranges {
    struct dead_letter_range *at;
    size_t n, room;
    size_t joined; /* at[0..joined) rise and do not touch */
};

void redrive_ranges_fini(struct redrive_ranges *set);

/* False: too many (*e, REFUSED, says what to do). */
NODISCARD bool redrive_ranges_add(struct redrive_ranges *set, const struct dead_letter_range *ranges, size_t n,
                                  struct err *e);
bool redrive_ranges_has(struct redrive_ranges *set, int64_t offset);

/* The ranges of a receipt that is being made: letters are told in their order, those that go and those that stay. */
struct redrive_receipt {
    struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES];
    size_t n;
    bool open; /* the last letter told is in the last range */
};

/* Can one more letter be noted? */
bool redrive_receipt_full(const struct redrive_receipt *receipt);
/* This letter goes. Whatever stands between it and the one before is no letter that could go. */
void redrive_receipt_note(struct redrive_receipt *receipt, int64_t offset);
/* This letter stays: no range may reach over it. */
void redrive_receipt_pass(struct redrive_receipt *receipt);

#endif
