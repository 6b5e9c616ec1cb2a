/* Appended as they come, then sorted and joined when the set is asked or has grown. */
#include "app/redrive_ranges.h"

#include <stdlib.h>

void redrive_ranges_fini(struct redrive_ranges *set) {
    free(set->at);
    *set = (struct redrive_ranges){0};
}

static int compare(const void *a, const void *b) {
    const struct dead_letter_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static void join(struct redrive_ranges *set) {
    if (set->joined == set->n)
        return;
    qsort(set->at, set->n, sizeof *set->at, compare);
    size_t n = 1;
    for (size_t i = 1; i < set->n; i++) {
        struct dead_letter_range *last = &set->at[n - 1], *range = &set->at[i];
        if (range->first <= last->last || range->first - 1 == last->last)
            last->last = range->last > last->last ? range->last : last->last;
        else
            set->at[n++] = *range;
    }
    set->n = set->joined = n;
}

static void grow(struct redrive_ranges *set, size_t more) {
    if (set->n + more <= set->room)
        return;
    join(set);
    if (set->n + more <= set->room / 2)
        return;
    set->room = (set->n + more) * 2;
    set->at = realloc(set->at, set->room * sizeof *set->at);
    MUST(set->at);
}

bool redrive_ranges_add(struct redrive_ranges *set, const struct dead_letter_range *ranges, size_t n, struct err *e) {
    grow(set, n);
    memcpy(set->at + set->n, ranges, n * sizeof *ranges);
    set->n += n;
    if (set->n <= REDRIVE_RANGES_MOST)
        return true;
    join(set);
    return set->n <= REDRIVE_RANGES_MOST ||
           err_set(e, ERR_REFUSED, NULL,
                   "more than %d ranges of letters were sent back from one partition, with others between them: send "
                   "those too, or wait until retention has taken them",
                   REDRIVE_RANGES_MOST);
}

bool redrive_ranges_has(struct redrive_ranges *set, int64_t offset) {
    join(set);
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->at[middle].last < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->n && set->at[low].first <= offset;
}

bool redrive_receipt_full(const struct redrive_receipt *receipt) {
    return receipt->n == DEAD_LETTER_MAX_RANGES;
}

void redrive_receipt_note(struct redrive_receipt *receipt, int64_t offset) {
    if (!receipt->open) {
        MUST(receipt->n < DEAD_LETTER_MAX_RANGES);
        receipt->ranges[receipt->n++].first = offset;
    }
    MUST(!receipt->open || offset > receipt->ranges[receipt->n - 1].last);
    receipt->ranges[receipt->n - 1].last = offset;
    receipt->open = true;
}

void redrive_receipt_pass(struct redrive_receipt *receipt) {
    receipt->open = false;
}
