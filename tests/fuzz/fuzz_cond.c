/* A test of any kind with any word, asked about any text. Input: a byte that says which test, a byte with the word's
 * length, the word, the text. */
#include "core/model_build.h"
#include "support/plain_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint32_t add(struct model_conds *table, enum cond_op op, struct cond_text url, struct bytes word) {
    struct err e;
    uint32_t cond = COND_ALWAYS;
    if (op == COND_MATCHES)
        MUST(cond_add_matches(table, url, word, &cond, &e) || e.words[0]);
    else if (op == COND_IN)
        cond = cond_add_in(table, url, &word, 1);
    else if (op >= COND_AT_LEAST && op <= COND_BELOW)
        cond = cond_add_number(table, op, url, (int64_t)word.n * 100 - 2000);
    else
        cond = cond_add_text(table, op, url, word);
    return cond;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2)
        return 0;
    enum cond_op op = (enum cond_op)(COND_EXISTS + data[0] % (COND_MATCHES - COND_EXISTS + 1));
    struct bytes word = {data + 2, data[1] < n - 2 ? data[1] : n - 2};
    struct bytes text = {word.at + word.n, n - 2 - word.n};
    struct model *model = model_new();
    struct cond_text url = {COND_FIELD, (uint16_t)model_intern_field(model, bytes_of("url"))};
    struct cond_counts counts = {0};
    uint32_t cond = add(model->conds, op, url, word), opposite = cond_add_not(model->conds, cond);
    bool holds = cond_holds(model, cond, &(struct cond_subject){.texts = &text}, &counts);
    if (op != COND_MATCHES)
        MUST(cond_holds(model, opposite, &(struct cond_subject){.texts = &text}, &counts) == !holds);
    if (op == COND_IN || (op >= COND_CONTAINS && op <= COND_ENDS_WITH))
        MUST(holds == plain_text_holds(op, text, word));
    if (op == COND_EXISTS)
        MUST(holds == (text.n > 0));
    model_free(&model);
    return 0;
}
