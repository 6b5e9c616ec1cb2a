/* Names to numbers: the order in which they were added, found in O(1). For the fields, attributes and types of a
 * model; filled while it is built, only read after. */
#ifndef LEADSTREAM_CORE_NAMES_H
#define LEADSTREAM_CORE_NAMES_H

#include <leadstream/bytes.h>

enum { NAMES_MAX = UINT16_MAX };

struct names {
    uint32_t n, cap;
    struct bytes *list; /* lent */
    uint16_t *slots;    /* open addressing: number + 1, 0 is empty; at most half full */
    uint32_t n_slots;   /* a power of two */
};

void names_fini(struct names *names);
/* The number of a name, -1 if there is none such. */
int names_find(const struct names *names, struct bytes name);
/* Adds a name that is not there yet and returns its number; the text must outlive the names. */
uint16_t names_add(struct names *names, struct bytes name);

#endif
