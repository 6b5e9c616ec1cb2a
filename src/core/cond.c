/* Conditions, asked. core/cond_table.c fills the table; core/cond_nodes.h says what is in it.
 *
 * A join keeps its kids by cost (the lead's own figures, then texts, then regular expressions), since the order in
 * which they are asked cannot change the answer; a numeric test or a match that was not needed is not counted.
 *
 * A text is lowered as it is compared; only a long list lowers it first, to search by halves. Several threads ask one
 * table: what a match needs for itself (pcre2_match_data) is borrowed from a small pool by atomic exchange, so that
 * nothing is locked and, once warm, nothing allocated. */
#include "core/cond_nodes.h"
#include <leadstream/decimal.h>
#include <leadstream/model.h>

enum {
    SHORT_LIST = 8,         /* a list up to here is searched from its start */
    LONGEST_WORD = 8 * 1024 /* no value is longer (EVENT_MAX_VALUE) */
};

static bool ask(struct model_conds *table, uint32_t cond, const struct cond_subject *subject,
                struct cond_counts *counts);
static bool asks_texts(const struct model_conds *table, uint32_t cond);

bool cond_holds(const struct model *model, uint32_t cond, const struct cond_subject *subject,
                struct cond_counts *counts) {
    MUST(cond == COND_ALWAYS || cond < model->conds->n_nodes);
    return ask(model->conds, cond, subject, counts);
}

bool cond_asks_texts(const struct model *model, uint32_t cond) {
    return cond != COND_ALWAYS && asks_texts(model->conds, cond);
}

/* n bytes of text against a word in lower case. */
static bool same(const uint8_t *text, const uint8_t *word, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (cond_lower(text[i]) != word[i])
            return false;
    return true;
}

/* Looks for the word's anchor, a byte that is no letter where it has one, and compares around it. */
static bool contains(struct bytes text, struct bytes word, size_t anchor) {
    if (text.n < word.n || !word.n)
        return !word.n;
    uint8_t c = word.at[anchor];
    const uint8_t *at = text.at + anchor, *end = text.at + (text.n - word.n) + anchor + 1;
    if (!cond_is_letter(c)) {
        while (at < end && (at = memchr(at, c, (size_t)(end - at)))) {
            if (same(at - anchor, word.at, word.n))
                return true;
            at++;
        }
        return false;
    }
    for (; at < end; at++)
        if ((*at | ('a' - 'A')) == c && same(at - anchor, word.at, word.n))
            return true;
    return false;
}

static bool in_list(struct bytes text, const struct bytes *words, size_t n) {
    if (n <= SHORT_LIST) {
        for (size_t i = 0; i < n; i++)
            if (words[i].n == text.n && same(text.at, words[i].at, text.n))
                return true;
        return false;
    }
    if (text.n > words[n - 1].n || text.n > LONGEST_WORD)
        return false;
    uint8_t lowered[LONGEST_WORD];
    for (size_t i = 0; i < text.n; i++)
        lowered[i] = cond_lower(text.at[i]);
    struct bytes word = {lowered, text.n};
    for (size_t low = 0, high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int c = cond_compare_words(word, words[middle]);
        if (!c)
            return true;
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static pcre2_match_data *borrow(struct model_conds *table) {
    for (size_t i = 0; i < COND_POOL; i++) {
        pcre2_match_data *data = atomic_exchange_explicit(&table->pool[i], NULL, memory_order_acquire);
        if (data)
            return data;
    }
    pcre2_match_data *data = pcre2_match_data_create(1, NULL); /* where it matched is not asked */
    MUST(data != NULL);
    return data;
}

static void give_back(struct model_conds *table, pcre2_match_data *data) {
    for (size_t i = 0; i < COND_POOL; i++) {
        pcre2_match_data *empty = NULL;
        if (atomic_compare_exchange_strong_explicit(&table->pool[i], &empty, data, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    pcre2_match_data_free(data);
}

/* A match that gave up holds megabytes of frames: its match data is freed, not kept. */
static bool matches(struct model_conds *table, const pcre2_code *code, struct bytes text, struct cond_counts *counts) {
    pcre2_match_data *data = borrow(table);
    int result = pcre2_match(code, text.at, text.n, 0, 0, data, table->context);
    bool gave_up = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_HEAPLIMIT ||
                   result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_NOMEMORY;
    if (gave_up) {
        counts->match_limit++;
        pcre2_match_data_free(data);
    } else {
        give_back(table, data);
    }
    return result >= 0;
}

static bool compares(const struct cond_node *node, struct bytes text, struct cond_counts *counts) {
    int order = 0;
    if (!decimal_compare(text, node->number, &order)) {
        counts->not_a_number++;
        return false;
    }
    switch (node->op) {
    case COND_AT_LEAST: return order >= 0;
    case COND_ABOVE: return order > 0;
    case COND_AT_MOST: return order <= 0;
    default: return order < 0;
    }
}

static bool text_holds(struct model_conds *table, const struct cond_node *node, struct bytes text,
                       struct cond_counts *counts) {
    if (!text.n)
        return false;
    struct bytes word = node->word;
    switch (node->op) {
    case COND_EXISTS: return true;
    case COND_IN: return in_list(text, table->words + node->first, node->n);
    case COND_CONTAINS: return contains(text, word, node->first);
    case COND_STARTS_WITH: return text.n >= word.n && same(text.at, word.at, word.n);
    case COND_ENDS_WITH: return text.n >= word.n && same(text.at + (text.n - word.n), word.at, word.n);
    case COND_MATCHES: return matches(table, table->codes[node->first], text, counts);
    default: return compares(node, text, counts);
    }
}

static int64_t score_of(const struct cond_subject *subject, enum cond_score score, uint16_t group) {
    switch (score) {
    case COND_TOTAL: return subject->total;
    case COND_ENGAGEMENT: return subject->engagement;
    case COND_FIT: return subject->fit;
    case COND_GROUP: return subject->groups[group];
    }
    return 0;
}

/* As deep as the model's conditions are nested: at most 16 of any, all, not, each with at most one join around it. */
static bool ask(struct model_conds *table, uint32_t cond, const struct cond_subject *subject,
                struct cond_counts *counts) {
    if (cond == COND_ALWAYS)
        return true;
    const struct cond_node *node = &table->nodes[cond];
    switch (node->op) {
    case COND_ALL:
        for (uint32_t i = 0; i < node->n; i++)
            if (!ask(table, table->kids[node->first + i], subject, counts))
                return false;
        return true;
    case COND_ANY:
        for (uint32_t i = 0; i < node->n; i++)
            if (ask(table, table->kids[node->first + i], subject, counts))
                return true;
        return false;
    case COND_NOT: return !ask(table, table->kids[node->first], subject, counts);
    case COND_SCORE: return score_of(subject, (enum cond_score)node->space, node->slot) >= node->number;
    case COND_STAGE: return (node->number >> subject->stage & 1) != 0;
    case COND_GRADE: return (node->number >> ((subject->grade[0] - 'A') * 4 + (subject->grade[1] - '1')) & 1) != 0;
    default: return text_holds(table, node, subject->texts[node->slot], counts);
    }
}

/* True where a test of the condition is about a text. */
static bool asks_texts(const struct model_conds *table, uint32_t cond) {
    const struct cond_node *node = &table->nodes[cond];
    if (node->op == COND_SCORE || node->op == COND_STAGE || node->op == COND_GRADE)
        return false;
    if (node->op != COND_ALL && node->op != COND_ANY && node->op != COND_NOT)
        return true;
    uint32_t n = node->op == COND_NOT ? 1 : node->n;
    for (uint32_t i = 0; i < n; i++)
        if (table->kids[node->first + i] != COND_ALWAYS && asks_texts(table, table->kids[node->first + i]))
            return true;
    return false;
}
