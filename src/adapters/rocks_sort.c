/* A stable merge sort, bottom up from runs of RUN sorted by insertion. */
#include "adapters/rocks_sort.h"

enum { RUN = 8 };

static inline bool after(const struct rocks_item *a, const struct rocks_item *b) {
    return a->head != b->head ? a->head > b->head : bytes_compare(a->key, b->key) > 0;
}

/* How many bytes all keys begin with. Neighbours are enough: what each shares with the next, all share. */
static size_t common(const struct rocks_item *items, size_t n) {
    size_t most = items[0].key.n;
    for (size_t i = 1; i < n && most; i++) {
        struct bytes a = items[0].key, b = items[i].key;
        most = most < b.n ? most : b.n;
        if (memcmp(a.at, b.at, most) == 0)
            continue;
        for (size_t j = 0; j < most; j++)
            most = a.at[j] == b.at[j] ? most : j;
    }
    return most;
}

/* The eight bytes from `from` on as a number; zeros where the key has ended, which keeps a prefix first. */
static uint64_t head(struct bytes key, size_t from) {
    uint64_t v = 0;
    for (size_t i = from; i < from + 8; i++)
        v = v << 8 | (i < key.n ? key.at[i] : 0);
    return v;
}

static void sort_run(struct rocks_item *items, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct rocks_item item = items[i];
        size_t j = i;
        for (; j > 0 && after(&items[j - 1], &item); j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

static void merge(const struct rocks_item *from, size_t middle, size_t n, struct rocks_item *to) {
    for (size_t i = 0, j = middle, k = 0; k < n; k++)
        to[k] = j == n || (i < middle && !after(&from[i], &from[j])) ? from[i++] : from[j++];
}

void rocks_sort(struct rocks_item *items, struct rocks_item *spare, size_t n) {
    if (n < 2)
        return;
    size_t from = common(items, n);
    for (size_t i = 0; i < n; i++)
        items[i].head = head(items[i].key, from);
    for (size_t i = 0; i < n; i += RUN)
        sort_run(items + i, n - i < RUN ? n - i : RUN);
    for (size_t run = RUN; run < n; run *= 2) {
        for (size_t i = 0; i < n; i += 2 * run) {
            size_t here = n - i < 2 * run ? n - i : 2 * run;
            merge(items + i, here < run ? here : run, here, spare + i);
        }
        memcpy(items, spare, n * sizeof *items);
    }
}
