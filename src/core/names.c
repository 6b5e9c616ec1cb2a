/* Names to numbers. */
#include "core/names.h"

#include <stdlib.h>
#include <xxhash.h>

void names_fini(struct names *names) {
    free(names->list);
    free(names->slots);
    *names = (struct names){0};
}

/* Where the name is, or the empty place where it would be. */
static uint32_t place(const struct names *names, struct bytes name) {
    uint32_t mask = names->n_slots - 1;
    uint32_t at = (uint32_t)XXH3_64bits(name.at, name.n) & mask;
    while (names->slots[at] && !bytes_equal(names->list[names->slots[at] - 1u], name))
        at = (at + 1) & mask;
    return at;
}

int names_find(const struct names *names, struct bytes name) {
    if (!names->n)
        return -1;
    return (int)names->slots[place(names, name)] - 1;
}

static void grow(struct names *names) {
    names->cap = names->cap ? names->cap * 2 : 16;
    names->list = realloc(names->list, names->cap * sizeof *names->list);
    free(names->slots);
    names->n_slots = names->cap * 2;
    names->slots = calloc(names->n_slots, sizeof *names->slots);
    MUST(names->list && names->slots);
    for (uint32_t i = 0; i < names->n; i++)
        names->slots[place(names, names->list[i])] = (uint16_t)(i + 1);
}

uint16_t names_add(struct names *names, struct bytes name) {
    MUST(names->n < NAMES_MAX);
    if (names->n == names->cap)
        grow(names);
    uint32_t at = place(names, name);
    MUST(!names->slots[at]);
    names->list[names->n] = name;
    names->slots[at] = (uint16_t)(names->n + 1);
    return (uint16_t)names->n++;
}
