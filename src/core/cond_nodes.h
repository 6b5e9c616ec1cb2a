/* The table of conditions from inside, for core/cond.c, which asks, and core/cond_table.c, which fills it.
 *
 * The table is flat: nodes, and lists of kids, words and regular expressions that nodes point into by number. Words are
 * kept in lower case. */
#ifndef LEADSTREAM_CORE_COND_NODES_H
#define LEADSTREAM_CORE_COND_NODES_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/cond_table.h"
#include <leadstream/arena.h>

#include <pcre2.h>
#include <stdatomic.h>

enum { COND_POOL = 16 }; /* match data kept for threads that ask at once; more are made and freed */

struct cond_node {
    uint8_t op;    /* enum cond_op */
    uint8_t space; /* enum cond_space of `slot`; enum cond_score of COND_SCORE */
    uint16_t slot; /* of the text; the group of COND_SCORE */
    uint32_t cost;
    uint32_t first; /* kids, words, code; the anchor of COND_CONTAINS */
    uint32_t n;     /* kids, words */
    int64_t number; /* hundredths, bits */
    struct bytes word;
};

struct model_conds {
    struct cond_node *nodes;
    uint32_t n_nodes, cap_nodes;
    uint32_t *kids;
    uint32_t n_kids, cap_kids;
    struct bytes *words;
    uint32_t n_words, cap_words;
    pcre2_code **codes;
    uint32_t n_codes, cap_codes;
    struct arena *arena; /* the words' bytes */
    pcre2_match_context *context;
    _Atomic(pcre2_match_data *) pool[COND_POOL];
};

/* ASCII only. */
static inline uint8_t cond_lower(uint8_t c) {
    return (uint8_t)(c + ((unsigned)c - 'A' < 26u ? 'a' - 'A' : 0));
}

/* Words of a list are sorted by length, then bytes. */
static inline int cond_compare_words(struct bytes a, struct bytes b) {
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n ? memcmp(a.at, b.at, a.n) : 0;
}

/* A letter, of words in lower case. */
static inline bool cond_is_letter(uint8_t c) {
    return (unsigned)c - 'a' < 26u;
}

#endif
