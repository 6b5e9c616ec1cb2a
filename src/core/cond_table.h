/* How a model's table of conditions is filled: the builder's side of core/cond.c.
 *
 * codec/model_when reads conditions and adds tests here; model_finish then asks for thresholds and canonical forms.
 * Everything is a number into the table; COND_ALWAYS may be given wherever a condition is taken. */
#ifndef LEADSTREAM_CORE_COND_TABLE_H
#define LEADSTREAM_CORE_COND_TABLE_H

#include "core/blob.h"
#include <leadstream/cond.h>
#include <leadstream/err.h>

struct model_conds;

enum cond_op {
    COND_ALL, /* of its kids; of none: always */
    COND_ANY, /* of its kids; of none: never */
    COND_NOT,
    COND_EXISTS, /* from here to COND_MATCHES: about a text */
    COND_IN,     /* also `is`: a list of one */
    COND_CONTAINS,
    COND_STARTS_WITH,
    COND_ENDS_WITH,
    COND_AT_LEAST,
    COND_ABOVE,
    COND_AT_MOST,
    COND_BELOW,
    COND_MATCHES,
    COND_SCORE, /* a score is at least `number` */
    COND_STAGE, /* the stage's bit is set in `number` */
    COND_GRADE  /* the grade's bit is set: letter * 4 + digit */
};

/* What a test is about. */
enum cond_space { COND_FIELD, COND_ATTR };
enum cond_score { COND_TOTAL, COND_ENGAGEMENT, COND_FIT, COND_GROUP };

/* A text that a test is about: a slot of the event's fields or of the profile's attributes. */
struct cond_text {
    enum cond_space space;
    uint16_t slot;
};

struct model_conds *cond_table_new(void);
void cond_table_free(struct model_conds **table);

/* All (any) of n conditions; one is itself. They are asked from the cheapest. */
uint32_t cond_add_join(struct model_conds *table, bool any, const uint32_t *conds, size_t n);
uint32_t cond_add_not(struct model_conds *table, uint32_t cond);
/* COND_EXISTS (word unused), COND_CONTAINS, COND_STARTS_WITH, COND_ENDS_WITH. Words are copied. */
uint32_t cond_add_text(struct model_conds *table, enum cond_op op, struct cond_text text, struct bytes word);
uint32_t cond_add_in(struct model_conds *table, struct cond_text text, const struct bytes *words, size_t n);
/* COND_AT_LEAST to COND_BELOW on a text. */
uint32_t cond_add_number(struct model_conds *table, enum cond_op op, struct cond_text text, int64_t hundredths);
/* False: *e says what is wrong with the pattern. */
NODISCARD bool cond_add_matches(struct model_conds *table, struct cond_text text, struct bytes pattern, uint32_t *cond,
                                struct err *e);
/* COND_AT_LEAST to COND_BELOW on a score; group counts for COND_GROUP only. */
uint32_t cond_add_score(struct model_conds *table, enum cond_op op, enum cond_score score, uint16_t group,
                        int64_t hundredths);
/* bits: of the stages, or grades, that pass. */
uint32_t cond_add_bits(struct model_conds *table, enum cond_op op, uint32_t bits);

/* Attributes move: slot i becomes slots[i]. */
void cond_table_move_attrs(struct model_conds *table, const uint16_t *slots);

/* Calls take(self, at) for each value that a test of this score flips at. */
void cond_table_flips(const struct model_conds *table, enum cond_score score, uint16_t group,
                      void (*take)(void *self, int64_t at), void *self);

/* Appends the canonical form: equal for conditions that differ only in the order of what all must (or any may) hold,
 * in letter case where tests ignore it, in lists and double negations. Names of fields and attributes, not slots. */
void cond_canonical(const struct model *model, uint32_t cond, struct blob *to);

#endif
