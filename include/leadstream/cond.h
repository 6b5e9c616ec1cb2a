/* Conditions of a model, compiled: a tree of tests in one flat table, and how it is asked.
 *
 * A condition is a number into the model's table; COND_ALWAYS holds always. What a test asks about is a slot of texts
 * (event fields, or profile attributes), or one of the lead's own figures. */
#ifndef LEADSTREAM_COND_H
#define LEADSTREAM_COND_H

#include <leadstream/bytes.h>

struct model;

#define COND_ALWAYS UINT32_MAX

/* What a condition is asked about. Where a condition is over an event's fields, only `texts` is read. */
struct cond_subject {
    const struct bytes *texts;  /* by slot (model->fields or model->attrs); n == 0 is absent */
    const int64_t *groups;      /* rounded, hundredths, by group in file order */
    int64_t total;              /* hundredths */
    int64_t engagement;
    int64_t fit;
    uint8_t stage;              /* index into model->stages */
    char grade[2];              /* 'A'..'D', '1'..'4' */
};

/* What went wrong while asking, for the metrics; counters only grow. */
struct cond_counts {
    uint64_t match_limit;   /* a regular expression gave up */
    uint64_t not_a_number;  /* a numeric test met a text that is no decimal number */
};

/* True where condition `cond` of the model holds. Pure but for *counts. */
bool cond_holds(const struct model *model, uint32_t cond, const struct cond_subject *subject,
                struct cond_counts *counts);

/* False where the answer does not hang on the subject's texts, which then need not be gathered. */
bool cond_asks_texts(const struct model *model, uint32_t cond);

#endif
