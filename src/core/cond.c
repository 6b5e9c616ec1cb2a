/* Conditions, compiled and asked. The builder's side is core/cond_table.h.
 *
 * The table is flat: nodes, and lists of kids, words and regular expressions that nodes point into by number. A join
 * keeps its kids by cost (the lead's own figures, then texts, then regular expressions), since the order in which they
 * are asked cannot change the answer; a numeric test or a match that was not needed is not counted.
 *
 * Words are kept in lower case. A text is lowered as it is compared; only a long list lowers it first, to search by
 * halves. Several threads ask one table: what a match needs for itself (pcre2_match_data) is borrowed from a small
 * pool by atomic exchange, so that nothing is locked and, once warm, nothing allocated. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/cond_table.h"
#include <leadstream/arena.h>
#include <leadstream/decimal.h>
#include <leadstream/model.h>

#include <pcre2.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    POOL = 16,              /* match data kept for threads that ask at once; more are made and freed */
    MATCH_LIMIT = 100000,
    SHORT_LIST = 8,         /* a list up to here is searched from its start */
    LONGEST_WORD = 8 * 1024 /* no value is longer (EVENT_MAX_VALUE) */
};
#define WORDS_LIMIT ((size_t)64 * 1024 * 1024)

struct node {
    uint8_t op;     /* enum cond_op */
    uint8_t space;  /* enum cond_space of `slot`; enum cond_score of COND_SCORE */
    uint16_t slot;  /* of the text; the group of COND_SCORE */
    uint32_t cost;
    uint32_t first; /* kids, words, code; the anchor of COND_CONTAINS */
    uint32_t n;     /* kids, words */
    int64_t number; /* hundredths, bits */
    struct bytes word;
};

struct model_conds {
    struct node *nodes;
    uint32_t n_nodes, cap_nodes;
    uint32_t *kids;
    uint32_t n_kids, cap_kids;
    struct bytes *words;
    uint32_t n_words, cap_words;
    pcre2_code **codes;
    uint32_t n_codes, cap_codes;
    struct arena *arena;  /* the words' bytes */
    pcre2_match_context *context;
    _Atomic(pcre2_match_data *) pool[POOL];
};

/* ------------------------------------------------------------------------------------------------ asking */

static uint8_t lower(uint8_t c) {
    return (uint8_t)(c + ((unsigned)c - 'A' < 26u ? 'a' - 'A' : 0));
}

/* n bytes of text against a word in lower case. */
static bool same(const uint8_t *text, const uint8_t *word, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (lower(text[i]) != word[i])
            return false;
    return true;
}

static bool is_letter(uint8_t c) {
    return (unsigned)c - 'a' < 26u;
}

/* Looks for the word's anchor, a byte that is no letter where it has one, and compares around it. */
static bool contains(struct bytes text, struct bytes word, size_t anchor) {
    if (text.n < word.n || !word.n)
        return !word.n;
    uint8_t c = word.at[anchor];
    const uint8_t *at = text.at + anchor, *end = text.at + (text.n - word.n) + anchor + 1;
    if (!is_letter(c)) {
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

/* Words are sorted by length, then bytes. */
static int compare_words(struct bytes a, struct bytes b) {
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n ? memcmp(a.at, b.at, a.n) : 0;
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
        lowered[i] = lower(text.at[i]);
    struct bytes word = {lowered, text.n};
    for (size_t low = 0, high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int c = compare_words(word, words[middle]);
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
    for (size_t i = 0; i < POOL; i++) {
        pcre2_match_data *data = atomic_exchange_explicit(&table->pool[i], NULL, memory_order_acquire);
        if (data)
            return data;
    }
    pcre2_match_data *data = pcre2_match_data_create(1, NULL); /* where it matched is not asked */
    MUST(data != NULL);
    return data;
}

static void give_back(struct model_conds *table, pcre2_match_data *data) {
    for (size_t i = 0; i < POOL; i++) {
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

static bool compares(const struct node *node, struct bytes text, struct cond_counts *counts) {
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

static bool text_holds(struct model_conds *table, const struct node *node, struct bytes text,
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
    const struct node *node = &table->nodes[cond];
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

bool cond_holds(const struct model *model, uint32_t cond, const struct cond_subject *subject,
                struct cond_counts *counts) {
    MUST(cond == COND_ALWAYS || cond < model->conds->n_nodes);
    return ask(model->conds, cond, subject, counts);
}

/* ------------------------------------------------------------------------------------------------ building */

/* Makes room for n more entries of `size` bytes in a list. */
static void *grow(void *list, uint32_t used, uint32_t *cap, size_t n, size_t size) {
    MUST(n < UINT32_MAX / 4 - used);
    if (used + n <= *cap)
        return list;
    *cap = (uint32_t)(used + n) * 2;
    list = realloc(list, *cap * size);
    MUST(list != NULL);
    return list;
}

struct model_conds *cond_table_new(void) {
    struct model_conds *table = calloc(1, sizeof *table);
    MUST(table != NULL);
    table->arena = arena_new(WORDS_LIMIT);
    table->context = pcre2_match_context_create(NULL);
    MUST(table->context != NULL);
    pcre2_set_match_limit(table->context, MATCH_LIMIT);
    return table;
}

void cond_table_free(struct model_conds **table) {
    struct model_conds *t = *table;
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_codes; i++)
        pcre2_code_free(t->codes[i]);
    for (size_t i = 0; i < POOL; i++)
        pcre2_match_data_free(atomic_load_explicit(&t->pool[i], memory_order_acquire));
    pcre2_match_context_free(t->context);
    arena_free(&t->arena);
    free(t->nodes);
    free(t->kids);
    free(t->words);
    free(t->codes);
    free(t);
    *table = NULL;
}

static uint32_t add(struct model_conds *t, struct node node) {
    t->nodes = grow(t->nodes, t->n_nodes, &t->cap_nodes, 1, sizeof *t->nodes);
    t->nodes[t->n_nodes] = node;
    return t->n_nodes++;
}

/* What asking costs, in about nanoseconds: only the order matters. */
static uint32_t cost_of(enum cond_op op) {
    switch (op) {
    case COND_SCORE:
    case COND_STAGE:
    case COND_GRADE:
    case COND_ALL:
    case COND_ANY:
    case COND_NOT: return 1;
    case COND_EXISTS: return 2;
    case COND_IN:
    case COND_STARTS_WITH:
    case COND_ENDS_WITH: return 4;
    case COND_AT_LEAST:
    case COND_ABOVE:
    case COND_AT_MOST:
    case COND_BELOW: return 8;
    case COND_CONTAINS: return 20;
    case COND_MATCHES: return 300;
    }
    return 1;
}

static uint32_t cost_at(const struct model_conds *t, uint32_t cond) {
    return cond == COND_ALWAYS ? 0 : t->nodes[cond].cost;
}

/* Sorts kids by cost, equal ones as they came: lists are short. */
static void sort_by_cost(const struct model_conds *t, uint32_t *kids, size_t n) {
    for (size_t i = 1; i < n; i++) {
        uint32_t kid = kids[i];
        size_t j = i;
        for (; j > 0 && cost_at(t, kids[j - 1]) > cost_at(t, kid); j--)
            kids[j] = kids[j - 1];
        kids[j] = kid;
    }
}

uint32_t cond_add_join(struct model_conds *t, bool any, const uint32_t *conds, size_t n) {
    if (n == 1)
        return conds[0];
    if (!n && !any)
        return COND_ALWAYS;
    t->kids = grow(t->kids, t->n_kids, &t->cap_kids, n, sizeof *t->kids);
    uint64_t cost = 1;
    for (size_t i = 0; i < n; i++) {
        t->kids[t->n_kids + i] = conds[i];
        cost += cost_at(t, conds[i]);
    }
    sort_by_cost(t, t->kids + t->n_kids, n);
    struct node node = {.op = any ? COND_ANY : COND_ALL, .first = t->n_kids, .n = (uint32_t)n};
    node.cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    t->n_kids += (uint32_t)n;
    return add(t, node);
}

uint32_t cond_add_not(struct model_conds *t, uint32_t cond) {
    if (cond == COND_ALWAYS)
        return cond_add_join(t, true, NULL, 0);
    if (t->nodes[cond].op == COND_NOT)
        return t->kids[t->nodes[cond].first];
    t->kids = grow(t->kids, t->n_kids, &t->cap_kids, 1, sizeof *t->kids);
    t->kids[t->n_kids] = cond;
    return add(t, (struct node){.op = COND_NOT, .first = t->n_kids++, .n = 1, .cost = cost_at(t, cond)});
}

static struct bytes keep(struct model_conds *t, struct bytes word, bool lowered) {
    uint8_t *copy = arena_copy(t->arena, word.at, word.n);
    MUST(copy != NULL);
    for (size_t i = 0; lowered && i < word.n; i++)
        copy[i] = lower(copy[i]);
    return (struct bytes){copy, word.n};
}

static struct node about(enum cond_op op, struct cond_text text) {
    return (struct node){.op = (uint8_t)op, .space = (uint8_t)text.space, .slot = text.slot, .cost = cost_of(op)};
}

uint32_t cond_add_text(struct model_conds *t, enum cond_op op, struct cond_text text, struct bytes word) {
    MUST(op >= COND_EXISTS && op <= COND_ENDS_WITH && op != COND_IN);
    struct node node = about(op, text);
    node.word = keep(t, op == COND_EXISTS ? bytes_of("") : word, true);
    while (node.first < node.word.n && is_letter(node.word.at[node.first]))
        node.first++;
    if (node.first == node.word.n)
        node.first = 0;
    return add(t, node);
}

static int compare_pointed_words(const void *a, const void *b) {
    return compare_words(*(const struct bytes *)a, *(const struct bytes *)b);
}

uint32_t cond_add_in(struct model_conds *t, struct cond_text text, const struct bytes *words, size_t n) {
    t->words = grow(t->words, t->n_words, &t->cap_words, n, sizeof *t->words);
    struct bytes *list = t->words + t->n_words;
    for (size_t i = 0; i < n; i++)
        list[i] = keep(t, words[i], true);
    qsort(list, n, sizeof *list, compare_pointed_words);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || !bytes_equal(list[kept - 1], list[i]))
            list[kept++] = list[i];
    struct node node = about(COND_IN, text);
    node.first = t->n_words;
    node.n = (uint32_t)kept;
    t->n_words += node.n;
    return add(t, node);
}

uint32_t cond_add_number(struct model_conds *t, enum cond_op op, struct cond_text text, int64_t hundredths) {
    MUST(op >= COND_AT_LEAST && op <= COND_BELOW);
    struct node node = about(op, text);
    node.number = hundredths;
    return add(t, node);
}

bool cond_add_matches(struct model_conds *t, struct cond_text text, struct bytes pattern, uint32_t *cond,
                      struct err *e) {
    if (pattern.n >= 2 && pattern.at[0] == '(' && pattern.at[1] == '*')
        return err_set(e, ERR_CONFIG, NULL, "begins with (*, and verbs that alter matching are not allowed");
    int code = 0;
    size_t at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *compiled = pcre2_compile(pattern.at, pattern.n, options, &code, &at, NULL);
    if (!compiled) {
        PCRE2_UCHAR words[200];
        pcre2_get_error_message(code, words, sizeof words);
        return err_set(e, ERR_CONFIG, NULL, "%s (at byte %zu)", (const char *)words, at);
    }
    t->codes = grow(t->codes, t->n_codes, &t->cap_codes, 1, sizeof *t->codes);
    t->codes[t->n_codes] = compiled;
    struct node node = about(COND_MATCHES, text);
    node.first = t->n_codes++;
    node.word = keep(t, pattern, false);
    *cond = add(t, node);
    return true;
}

/* Scores are whole hundredths, so every test is "at least" or its negation. */
uint32_t cond_add_score(struct model_conds *t, enum cond_op op, enum cond_score score, uint16_t group,
                        int64_t hundredths) {
    MUST(op >= COND_AT_LEAST && op <= COND_BELOW);
    bool past = op == COND_ABOVE || op == COND_AT_MOST;
    struct node node = {.op = COND_SCORE, .space = (uint8_t)score, .slot = group, .cost = cost_of(COND_SCORE)};
    node.number = hundredths + (past ? 1 : 0);
    uint32_t cond = add(t, node);
    return op == COND_AT_LEAST || op == COND_ABOVE ? cond : cond_add_not(t, cond);
}

uint32_t cond_add_bits(struct model_conds *t, enum cond_op op, uint32_t bits) {
    MUST(op == COND_STAGE || op == COND_GRADE);
    return add(t, (struct node){.op = (uint8_t)op, .number = bits, .cost = cost_of(op)});
}

static bool is_text(const struct node *node) {
    return node->op >= COND_EXISTS && node->op <= COND_MATCHES;
}

void cond_table_move_attrs(struct model_conds *t, const uint16_t *slots) {
    for (uint32_t i = 0; i < t->n_nodes; i++)
        if (is_text(&t->nodes[i]) && t->nodes[i].space == COND_ATTR)
            t->nodes[i].slot = slots[t->nodes[i].slot];
}

void cond_table_flips(const struct model_conds *t, enum cond_score score, uint16_t group,
                      void (*take)(void *self, int64_t at), void *self) {
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        const struct node *node = &t->nodes[i];
        if (node->op == COND_SCORE && node->space == score && (score != COND_GROUP || node->slot == group))
            take(self, node->number);
    }
}

/* ------------------------------------------------------------------------------------------------ canonical form */

static void canonical_text(const struct model *model, const struct node *node, struct blob *to) {
    blob_text(to, node->space == COND_FIELD ? model->fields[node->slot] : model->attrs[node->slot].name);
    blob_u64(to, (uint64_t)node->number);
    blob_text(to, node->word);
    blob_u64(to, node->n);
    for (uint32_t i = 0; i < node->n; i++)
        blob_text(to, model->conds->words[node->first + i]);
}

/* The canonical forms of a join's kids, and of the kids of kids that are joins of the same kind. */
struct forms {
    struct blob *list;
    uint32_t n, cap;
};

static void gather(const struct model *model, const struct node *node, struct forms *forms) {
    for (uint32_t i = 0; i < node->n; i++) {
        uint32_t kid = model->conds->kids[node->first + i];
        if (kid != COND_ALWAYS && model->conds->nodes[kid].op == node->op) {
            gather(model, &model->conds->nodes[kid], forms);
            continue;
        }
        forms->list = grow(forms->list, forms->n, &forms->cap, 1, sizeof *forms->list);
        forms->list[forms->n] = (struct blob){0};
        cond_canonical(model, kid, &forms->list[forms->n++]);
    }
}

static int compare_forms(const void *a, const void *b) {
    const struct blob *x = a, *y = b;
    return bytes_compare((struct bytes){x->at, x->n}, (struct bytes){y->at, y->n});
}

static void canonical_join(const struct model *model, const struct node *node, struct blob *to) {
    struct forms forms = {0};
    gather(model, node, &forms);
    if (forms.n)
        qsort(forms.list, forms.n, sizeof *forms.list, compare_forms);
    struct blob joined = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < forms.n; i++)
        if (!i || compare_forms(&forms.list[i - 1], &forms.list[i])) {
            blob_text(&joined, (struct bytes){forms.list[i].at, forms.list[i].n});
            kept++;
        }
    if (kept == 1) {
        blob_put(to, forms.list[0].at, forms.list[0].n);
    } else {
        blob_u8(to, node->op);
        blob_text(to, (struct bytes){joined.at, joined.n});
    }
    for (uint32_t i = 0; i < forms.n; i++)
        blob_fini(&forms.list[i]);
    free(forms.list);
    blob_fini(&joined);
}

void cond_canonical(const struct model *model, uint32_t cond, struct blob *to) {
    if (cond == COND_ALWAYS) {
        blob_u8(to, COND_ALL);
        blob_text(to, bytes_of(""));
        return;
    }
    const struct node *node = &model->conds->nodes[cond];
    if (node->op == COND_ALL || node->op == COND_ANY) {
        canonical_join(model, node, to);
        return;
    }
    blob_u8(to, node->op);
    if (is_text(node)) {
        canonical_text(model, node, to);
    } else if (node->op == COND_NOT) {
        cond_canonical(model, model->conds->kids[node->first], to);
    } else {
        blob_u64(to, (uint64_t)node->number);
        blob_u8(to, node->space);
        blob_text(to, node->space == COND_GROUP ? model->groups[node->slot].name : bytes_of(""));
    }
}
