/* JSON text -> a tree of values. libyajl reads, as it hands over numbers as text and does so at 400 MB/s; this file
 * refuses what it lets through: bad UTF-8, half surrogates (it writes "?"), keys given twice.
 *
 * yajl allocates from the arena too, so a record costs no malloc; what it frees comes back with the arena. As it never
 * asks whether it got memory, all that it can need is set aside for it before it starts. */
#include "codec/json_tree.h"

#include "base/guard.h"

#include <leadstream/event.h>
#include <stdio.h>
#include <yajl/yajl_parse.h>

enum { PAIRWISE = 16 }; /* keys of an object up to which comparing each with each is the fastest */

/* A container that is not closed yet. */
struct level {
    struct json_node *node;
    struct json_node *last; /* of its entries so far */
};

/* What yajl allocates of, by moving a pointer. */
struct pool {
    uint8_t *at, *end;
};

struct parse {
    struct bytes text;
    struct arena *arena;
    yajl_handle yajl;
    struct json_node *root;
    struct bytes key; /* of the value that comes next */
    size_t depth;
    struct level open[JSON_TREE_DEPTH];
    struct err *e; /* filled where a callback stops the parser */
};

static bool check_text(struct bytes text, struct err *e);
static void syntax_error(struct parse *p, struct err *e);
static bool pool_init(struct pool *pool, struct arena *arena, size_t text);
static void *pool_take(void *self, size_t n);
static void *pool_grow(void *self, void *old, size_t n);
static void pool_leave(void *self, void *p);
static const yajl_callbacks callbacks;

const struct json_node *json_tree_parse(struct bytes text, struct arena *arena, struct err *e) {
    if (!check_text(text, e))
        return NULL;
    struct parse p;
    p.text = text;
    p.arena = arena;
    p.root = NULL;
    p.key = (struct bytes){NULL, 0};
    p.depth = 0;
    p.e = e;
    e->code = ERR_NONE;
    struct pool pool;
    if (!pool_init(&pool, arena, text.n)) {
        err_set(e, ERR_TOO_LARGE, NULL, "has %zu bytes, more than there is memory for", text.n);
        return NULL;
    }
    yajl_alloc_funcs memory = {pool_take, pool_grow, pool_leave, &pool};
    p.yajl = yajl_alloc(&callbacks, &memory, &p);
    bool read = yajl_parse(p.yajl, text.at, text.n) == yajl_status_ok;
    bool good = read && yajl_complete_parse(p.yajl) == yajl_status_ok;
    if (!good && e->code == ERR_NONE) {
        if (read)
            err_set(e, ERR_MALFORMED, NULL, "not JSON: it ends too early");
        else
            syntax_error(&p, e);
    }
    yajl_free(p.yajl);
    return good ? p.root : NULL;
}

const struct json_node *json_tree_get(const struct json_node *node, struct bytes key) {
    if (!node || node->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_node *entry = node->first; entry; entry = entry->next)
        if (bytes_equal(entry->key, key))
            return entry;
    return NULL;
}

const char *json_tree_kind(const struct json_node *node) {
    static const char *const kinds[] = {"null", "false", "true", "a number", "a text", "an object", "an array"};
    return kinds[node->kind];
}

/* ---- yajl's memory ---- */

/* Its parts of fixed size take less than 1 KiB, its stack less than 4 KiB at our depth, an error's words 1 KiB. Its two
 * buffers (a string being decoded, a token that the text ends within) begin with 2 KiB and double; as what they leave
 * behind is lost, each takes less than four times the text. */
static bool pool_init(struct pool *pool, struct arena *arena, size_t text) {
    size_t n = 16384 + 8 * text;
    pool->at = arena_take(arena, n);
    pool->end = pool->at ? pool->at + n : NULL;
    return pool->at != NULL;
}

/* A block begins with its size, as growing has to copy. */
static void *pool_take(void *self, size_t n) {
    struct pool *pool = self;
    size_t rounded = (n + 15) / 16 * 16 + 16;
    MUST(rounded <= (size_t)(pool->end - pool->at));
    memcpy(pool->at, &n, sizeof n);
    void *block = pool->at + 16;
    pool->at += rounded;
    return block;
}

static void *pool_grow(void *self, void *old, size_t n) {
    void *block = pool_take(self, n);
    if (old) {
        size_t had;
        memcpy(&had, (uint8_t *)old - 16, sizeof had);
        memcpy(block, old, had < n ? had : n);
    }
    return block;
}

static void pool_leave(void *self, void *p) {
    (void)self;
    (void)p;
}

/* ---- what yajl lets through ---- */

static bool hex4(const uint8_t *at, const uint8_t *end, unsigned *value) {
    if (end - at < 4)
        return false;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = at[i], low = c | 0x20;
        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'f'))
            return false;
        *value = *value << 4 | (c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return true;
}

/* True where every \u escape is a character, or the first of two that are one. In JSON a backslash can only be in a
 * string, so the text need not be understood; escapes that are no escapes are left to yajl. */
static bool escapes_are_whole(struct bytes text) {
    const uint8_t *end = text.n ? text.at + text.n : text.at; /* a Kafka record may have no value at all */
    const uint8_t *at = text.at;
    while (at && (at = memchr(at, '\\', (size_t)(end - at)))) {
        unsigned high, low;
        bool unicode = end - at > 1 && at[1] == 'u' && hex4(at + 2, end, &high);
        at += unicode ? 6 : end - at > 1 ? 2 : 1;
        if (!unicode || (high & 0xf800) != 0xd800)
            continue;
        if (high >= 0xdc00 || end - at < 6 || at[0] != '\\' || at[1] != 'u' || !hex4(at + 2, end, &low) ||
            (low & 0xfc00) != 0xdc00)
            return false;
        at += 6;
    }
    return true;
}

static bool check_text(struct bytes text, struct err *e) {
    if (text.n > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "the record has %zu bytes", text.n);
    if (text.n >= 3 && !memcmp(text.at, "\xef\xbb\xbf", 3))
        return err_set(e, ERR_MALFORMED, NULL, "begins with a byte-order mark; JSON has none");
    if (!event_utf8(text))
        return err_set(e, ERR_MALFORMED, NULL, "is not UTF-8");
    if (text.n && (memchr(text.at, '\f', text.n) || memchr(text.at, '\v', text.n)))
        return err_set(e, ERR_MALFORMED, NULL, "has a form feed or vertical tab, which in JSON is no blank");
    if (!escapes_are_whole(text))
        return err_set(e, ERR_MALFORMED, NULL, "a \\u escape is half a character (a surrogate alone)");
    return true;
}

/* yajl's own words, on one line, with the place. */
static void syntax_error(struct parse *p, struct err *e) {
    const char *words = (const char *)yajl_get_error(p->yajl, 0, NULL, 0);
    err_set(e, ERR_MALFORMED, NULL, "not JSON at byte %zu: %.*s", yajl_get_bytes_consumed(p->yajl),
            (int)strcspn(words, "\n"), words);
}

/* ---- keys given twice ---- */

static bool given_twice(struct parse *p, struct bytes key) {
    return err_set(p->e, ERR_MALFORMED, NULL, "key \"%.*s\" is given twice", event_quoted(key), (const char *)key.at);
}

/* A table of the keys by hash, at most half full, given back when done. */
static bool check_many_keys(struct parse *p, const struct json_node *object) {
    struct arena_mark mark = arena_mark(p->arena);
    size_t slots = 64;
    while (slots < (size_t)object->n * 2)
        slots *= 2;
    const struct json_node **table = arena_take(p->arena, slots * sizeof *table);
    if (!table)
        return err_set(p->e, ERR_TOO_LARGE, NULL, "an object of %u keys is too large", object->n);
    for (size_t i = 0; i < slots; i++)
        table[i] = NULL;
    bool good = true;
    for (const struct json_node *entry = object->first; entry && good; entry = entry->next) {
        size_t at = event_hash(entry->key) & (slots - 1);
        for (; table[at] && good; at = (at + 1) & (slots - 1))
            if (bytes_equal(table[at]->key, entry->key))
                good = given_twice(p, entry->key);
        table[at] = entry;
    }
    arena_rewind(p->arena, mark);
    return good;
}

static bool check_keys(struct parse *p, const struct json_node *object) {
    if (object->n > PAIRWISE)
        return check_many_keys(p, object);
    for (const struct json_node *a = object->first; a; a = a->next)
        for (const struct json_node *b = a->next; b; b = b->next)
            if (GUARD(json_twice) && bytes_equal(a->key, b->key))
                return given_twice(p, a->key);
    return true;
}

/* ---- the tree: yajl's callbacks; 0 stops it ---- */

static struct json_node *add(struct parse *p, enum json_kind kind) {
    struct json_node *node = arena_take(p->arena, sizeof *node);
    if (!node) {
        err_set(p->e, ERR_TOO_LARGE, NULL, "holds more values than there is memory for");
        return NULL;
    }
    *node = (struct json_node){.kind = kind, .key = p->key};
    p->key = (struct bytes){NULL, 0};
    if (!p->depth) {
        p->root = node;
        return node;
    }
    struct level *level = &p->open[p->depth - 1];
    if (level->last)
        level->last->next = node;
    else
        level->node->first = node;
    level->last = node;
    level->node->n++;
    return node;
}

/* What yajl found in the text is lent, what it had to decode is in a buffer that the next string takes. */
static bool keep(struct parse *p, const void *at, size_t n, struct bytes *out) {
    const uint8_t *bytes = at;
    bool lent = n == 0 || (bytes >= p->text.at && bytes < p->text.at + p->text.n);
    *out = (struct bytes){lent ? bytes : arena_copy(p->arena, at, n), n};
    if (out->at || !n)
        return true;
    return err_set(p->e, ERR_TOO_LARGE, NULL, "holds more text than there is memory for");
}

static int on_null(void *self) {
    return add(self, JSON_NULL) != NULL;
}

static int on_boolean(void *self, int value) {
    return add(self, value ? JSON_TRUE : JSON_FALSE) != NULL;
}

static int on_text(struct parse *p, enum json_kind kind, const void *at, size_t n) {
    struct json_node *node = add(p, kind);
    return node && keep(p, at, n, &node->text);
}

static int on_number(void *self, const char *at, size_t n) {
    return on_text(self, JSON_NUMBER, at, n);
}

static int on_string(void *self, const unsigned char *at, size_t n) {
    return on_text(self, JSON_STRING, at, n);
}

static int on_key(void *self, const unsigned char *at, size_t n) {
    struct parse *p = self;
    return keep(p, at, n, &p->key);
}

static int open_container(struct parse *p, enum json_kind kind) {
    if (GUARD(json_depth) && p->depth == JSON_TREE_DEPTH)
        return err_set(p->e, ERR_TOO_LARGE, NULL, "is nested deeper than %d levels", JSON_TREE_DEPTH);
    struct json_node *node = add(p, kind);
    if (!node)
        return 0;
    node->start = (uint32_t)yajl_get_bytes_consumed(p->yajl) - 1;
    p->open[p->depth++] = (struct level){node, NULL};
    return 1;
}

static struct json_node *close_container(struct parse *p) {
    MUST(p->depth > 0);
    struct json_node *node = p->open[--p->depth].node;
    node->end = (uint32_t)yajl_get_bytes_consumed(p->yajl);
    return node;
}

static int on_object(void *self) {
    return open_container(self, JSON_OBJECT);
}

static int on_object_end(void *self) {
    return check_keys(self, close_container(self));
}

static int on_array(void *self) {
    return open_container(self, JSON_ARRAY);
}

static int on_array_end(void *self) {
    return close_container(self) != NULL;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_array_end,
};
