/* The table of conditions, filled: nodes added from the leaves up, and their canonical forms. core/cond.c asks it. */
#include "base/guard.h"
#include "core/cond_nodes.h"
#include <leadstream/model.h>

#include <stdlib.h>

enum { MATCH_LIMIT = 100000 };
#define WORDS_LIMIT ((size_t)64 * 1024 * 1024)

/* Makes room for n more entries of `size` bytes in a list. */
static void *grow(void *list, uint32_t used, uint32_t *cap, size_t n, size_t size) {
    MUST(n < UINT32_MAX / 4 - used);
    if (list && used + n <= *cap)
        return list;
    *cap = (uint32_t)(used + n) * 2 + 8;
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
    if (GUARD(match_limit))
        pcre2_set_match_limit(table->context, MATCH_LIMIT);
    return table;
}

void cond_table_free(struct model_conds **table) {
    struct model_conds *t = *table;
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_codes; i++)
        pcre2_code_free(t->codes[i]);
    for (size_t i = 0; i < COND_POOL; i++)
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

static uint32_t add(struct model_conds *t, struct cond_node node) {
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
    struct cond_node node = {.op = any ? COND_ANY : COND_ALL, .first = t->n_kids, .n = (uint32_t)n};
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
    return add(t, (struct cond_node){.op = COND_NOT, .first = t->n_kids++, .n = 1, .cost = cost_at(t, cond)});
}

static struct bytes keep(struct model_conds *t, struct bytes word, bool lowered) {
    uint8_t *copy = arena_copy(t->arena, word.at, word.n);
    MUST(copy != NULL);
    for (size_t i = 0; lowered && i < word.n; i++)
        copy[i] = cond_lower(copy[i]);
    return (struct bytes){copy, word.n};
}

static struct cond_node about(enum cond_op op, struct cond_text text) {
    return (struct cond_node){.op = (uint8_t)op, .space = (uint8_t)text.space, .slot = text.slot, .cost = cost_of(op)};
}

uint32_t cond_add_text(struct model_conds *t, enum cond_op op, struct cond_text text, struct bytes word) {
    MUST(op >= COND_EXISTS && op <= COND_ENDS_WITH && op != COND_IN);
    struct cond_node node = about(op, text);
    node.word = keep(t, op == COND_EXISTS ? bytes_of("") : word, true);
    while (node.first < node.word.n && cond_is_letter(node.word.at[node.first]))
        node.first++;
    if (node.first == node.word.n)
        node.first = 0;
    return add(t, node);
}

static int compare_pointed_words(const void *a, const void *b) {
    return cond_compare_words(*(const struct bytes *)a, *(const struct bytes *)b);
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
    struct cond_node node = about(COND_IN, text);
    node.first = t->n_words;
    node.n = (uint32_t)kept;
    t->n_words += node.n;
    return add(t, node);
}

uint32_t cond_add_number(struct model_conds *t, enum cond_op op, struct cond_text text, int64_t hundredths) {
    MUST(op >= COND_AT_LEAST && op <= COND_BELOW);
    struct cond_node node = about(op, text);
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
    struct cond_node node = about(COND_MATCHES, text);
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
    struct cond_node node = {.op = COND_SCORE, .space = (uint8_t)score, .slot = group, .cost = cost_of(COND_SCORE)};
    node.number = hundredths + (past ? 1 : 0);
    uint32_t cond = add(t, node);
    return op == COND_AT_LEAST || op == COND_ABOVE ? cond : cond_add_not(t, cond);
}

uint32_t cond_add_bits(struct model_conds *t, enum cond_op op, uint32_t bits) {
    MUST(op == COND_STAGE || op == COND_GRADE);
    return add(t, (struct cond_node){.op = (uint8_t)op, .number = bits, .cost = cost_of(op)});
}

static bool is_text(const struct cond_node *node) {
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
        const struct cond_node *node = &t->nodes[i];
        if (node->op == COND_SCORE && node->space == score && (score != COND_GROUP || node->slot == group))
            take(self, node->number);
    }
}

/* ------------------------------------------------------------------------------------------------ canonical form */

static void canonical_text(const struct model *model, const struct cond_node *node, struct blob *to) {
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

static void gather(const struct model *model, const struct cond_node *node, struct forms *forms) {
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

static void canonical_join(const struct model *model, const struct cond_node *node, struct blob *to) {
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
    const struct cond_node *node = &model->conds->nodes[cond];
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
