/* What a test of texts must say, by plain loops: an oracle for conditions. */
#ifndef LEADSTREAM_TESTS_PLAIN_TEXT_H
#define LEADSTREAM_TESTS_PLAIN_TEXT_H

#include "core/cond_table.h"

static inline uint8_t plain_text_low(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool plain_text_at(struct bytes text, struct bytes word, size_t place) {
    for (size_t i = 0; i < word.n; i++)
        if (plain_text_low(text.at[place + i]) != plain_text_low(word.at[i]))
            return false;
    return true;
}

/* COND_IN (of one word), COND_CONTAINS, COND_STARTS_WITH, COND_ENDS_WITH. */
static inline bool plain_text_holds(enum cond_op op, struct bytes text, struct bytes word) {
    bool found = false;
    if (!text.n || word.n > text.n)
        return false;
    size_t last = text.n - word.n;
    if (op == COND_IN)
        return !last && plain_text_at(text, word, 0);
    if (op == COND_STARTS_WITH)
        return plain_text_at(text, word, 0);
    if (op == COND_ENDS_WITH)
        return plain_text_at(text, word, last);
    for (size_t i = 0; i <= last; i++)
        found = found || plain_text_at(text, word, i);
    return found;
}

#endif
