/* libyaml's events -> a tree with places. libyaml's own document API is not used: it resolves anchors, forgets the
 * marks of keys and keeps only the first of two keys alike.
 *
 * A syntax error ends the parse, as nothing after it can be trusted; what this file itself refuses (anchors, tags, keys
 * given twice, ..) is a problem at its place and the parse goes on, so that all of them are told at once. */
#include "codec/yaml_tree.h"

#include "base/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <yaml.h>

enum { MAX_BYTES = 1024 * 1024, MAX_DEPTH = 64, MAX_NODES = 250000, MAX_PROBLEMS = 1000 };

struct parse {
    yaml_parser_t parser;
    struct arena *arena;
    struct problems *problems;
    size_t nodes;
    bool ended; /* the parse cannot go on */
};

static void refuse(struct parse *p, yaml_mark_t mark, const char *words) {
    problems_add(p->problems, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, false, "%s", words);
}

static void give_up(struct parse *p, yaml_mark_t mark, const char *words) {
    refuse(p, mark, words);
    p->ended = true;
}

/* The next event; false after a syntax error. */
static bool next(struct parse *p, yaml_event_t *event) {
    if (yaml_parser_parse(&p->parser, event))
        return true;
    const yaml_parser_t *parser = &p->parser;
    bool reader = parser->error == YAML_READER_ERROR; /* libyaml marks no place for bytes that are no text */
    yaml_mark_t mark = reader ? parser->mark : parser->problem_mark;
    const char *words = parser->problem ? parser->problem : "out of memory";
    const char *hint = "";
    if (strstr(words, "cannot start any token"))
        hint = " (indent with blanks, no tabs; quote a text that begins with @ ` or %)";
    else if (strstr(words, "expected ',' or"))
        hint = " (between braces, quote a text that has [ ] { } or a comma in it)";
    problems_add(p->problems, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, false, "not YAML: %s%s%s%s", words,
                 parser->context ? " " : "", parser->context ? parser->context : "", hint);
    p->ended = true;
    return false;
}

static void *take(struct parse *p, size_t n) {
    void *at = arena_take(p->arena, n);
    MUST(at != NULL); /* 1 MiB of text and 250,000 nodes fit the 64 MiB that the header asks for */
    return at;
}

static struct yaml_node *new_node(struct parse *p, const yaml_event_t *event, enum yaml_kind kind) {
    if (p->nodes++ == MAX_NODES)
        give_up(p, event->start_mark, "more than 250000 values");
    struct yaml_node *node = take(p, sizeof *node);
    *node = (struct yaml_node){
        .kind = kind, .line = (uint32_t)event->start_mark.line + 1, .column = (uint32_t)event->start_mark.column + 1};
    return node;
}

static void refuse_decoration(struct parse *p, const yaml_event_t *event, const yaml_char_t *anchor,
                              const yaml_char_t *tag) {
    if (anchor)
        refuse(p, event->start_mark, "an anchor (&name) is not allowed here: write the value where it is used");
    if (tag)
        refuse(p, event->start_mark, "a tag (!name) is not allowed here: every value is text, a list or a map");
}

static struct yaml_node *read_scalar(struct parse *p, const yaml_event_t *event) {
    refuse_decoration(p, event, event->data.scalar.anchor, event->data.scalar.tag);
    struct yaml_node *node = new_node(p, event, YAML_TEXT);
    size_t n = event->data.scalar.length;
    uint8_t *copy = take(p, n);
    memcpy(copy, event->data.scalar.value, n);
    node->text = (struct bytes){copy, n};
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && (!n || bytes_is(node->text, "null") || bytes_is(node->text, "~")))
        node->kind = YAML_NULL;
    return node;
}

static struct yaml_node *read_value(struct parse *p, const yaml_event_t *event, int depth);

/* The entries of a list or map while their number is not known. */
struct growing {
    struct yaml_pair *pairs;
    uint32_t n, cap;
};

static void push(struct growing *g, struct yaml_pair pair) {
    if (g->n == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 8;
        g->pairs = realloc(g->pairs, g->cap * sizeof *g->pairs);
        MUST(g->pairs != NULL);
    }
    g->pairs[g->n++] = pair;
}

static void read_list(struct parse *p, struct yaml_node *node, int depth) {
    struct growing g = {0};
    yaml_event_t event;
    while (!p->ended && next(p, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end)
            push(&g, (struct yaml_pair){.value = read_value(p, &event, depth)});
        yaml_event_delete(&event);
        if (end)
            break;
    }
    node->n = g.n;
    node->items = take(p, g.n * sizeof *node->items);
    for (uint32_t i = 0; i < g.n; i++)
        node->items[i] = g.pairs[i].value;
    free(g.pairs);
}

/* A map's key must be a text; the pair is dropped where it is not. */
static bool read_key(struct parse *p, const yaml_event_t *event, struct yaml_pair *pair, int depth) {
    const struct yaml_node *key = read_value(p, event, depth);
    pair->line = key->line;
    pair->column = key->column;
    pair->key = key->text;
    if (key->kind == YAML_TEXT && event->type == YAML_SCALAR_EVENT &&
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && bytes_is(key->text, "<<")) {
        refuse(p, event->start_mark, "a merge key (<<) is not allowed here: write the keys out");
        return false;
    }
    if (key->kind == YAML_NULL && key->line)
        refuse(p, event->start_mark, "a key is empty (null): give it a name, in quotes if the name is null or ~");
    else if (key->kind == YAML_LIST || key->kind == YAML_MAP)
        refuse(p, event->start_mark, "a key must be a text, not a list or a map");
    return key->kind == YAML_TEXT;
}

static int compare_pairs(const void *a, const void *b) {
    const struct yaml_pair *x = *(const struct yaml_pair *const *)a, *y = *(const struct yaml_pair *const *)b;
    int c = bytes_compare(x->key, y->key);
    if (c)
        return c;
    return x->line != y->line ? (x->line > y->line ? 1 : -1) : (x->column > y->column) - (x->column < y->column);
}

static void refuse_twins(struct parse *p, const struct yaml_node *map) {
    const struct yaml_pair **sorted = malloc((map->n + 1u) * sizeof *sorted);
    MUST(sorted != NULL);
    for (uint32_t i = 0; i < map->n; i++)
        sorted[i] = &map->pairs[i];
    qsort(sorted, map->n, sizeof *sorted, compare_pairs);
    for (uint32_t i = 1; i < map->n; i++)
        if (GUARD(yaml_twice) && bytes_equal(sorted[i - 1]->key, sorted[i]->key))
            problems_add(p->problems, sorted[i]->line, sorted[i]->column, false,
                         "key \"%s\" is given twice (first in line %u): keep one", yaml_quote(sorted[i]->key).text,
                         sorted[i - 1]->line);
    free(sorted);
}

static void read_map(struct parse *p, struct yaml_node *node, int depth) {
    struct growing g = {0};
    yaml_event_t event;
    while (!p->ended && next(p, &event)) {
        struct yaml_pair pair = {0};
        bool end = event.type == YAML_MAPPING_END_EVENT;
        bool keep = !end && read_key(p, &event, &pair, depth);
        yaml_event_delete(&event);
        if (end || p->ended || !next(p, &event))
            break;
        pair.value = read_value(p, &event, depth);
        yaml_event_delete(&event);
        if (keep)
            push(&g, pair);
    }
    node->n = g.n;
    node->pairs = take(p, g.n * sizeof *node->pairs);
    if (g.n) {
        memcpy(node->pairs, g.pairs, g.n * sizeof *g.pairs);
        refuse_twins(p, node);
    }
    free(g.pairs);
}

/* The value that begins with this event. Never NULL; once p->ended is set its content is meaningless. */
static struct yaml_node *read_value(struct parse *p, const yaml_event_t *event, int depth) {
    struct yaml_node *node;
    if (GUARD(yaml_depth) && depth == MAX_DEPTH) {
        give_up(p, event->start_mark, "more than 64 levels of lists and maps");
        return new_node(p, event, YAML_NULL);
    }
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT: return read_scalar(p, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(p, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        node = new_node(p, event, YAML_LIST);
        read_list(p, node, depth + 1);
        return node;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(p, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        node = new_node(p, event, YAML_MAP);
        read_map(p, node, depth + 1);
        return node;
    default:
        refuse(p, event->start_mark, "an alias (*name) is not allowed here: write the value out");
        node = new_node(p, event, YAML_NULL);
        node->line = 0; /* told */
        return node;
    }
}

static struct yaml_node *read_stream(struct parse *p) {
    struct yaml_node *root = NULL;
    yaml_event_t event;
    bool end = false;
    for (int documents = 0; !end && !p->ended && next(p, &event); yaml_event_delete(&event)) {
        if (event.type == YAML_STREAM_END_EVENT)
            end = true;
        else if (event.type == YAML_DOCUMENT_START_EVENT && documents++)
            give_up(p, event.start_mark, "a second document begins here: the file must have one only");
        else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
                 event.type != YAML_DOCUMENT_END_EVENT)
            root = read_value(p, &event, 0);
    }
    if (!root && !p->ended)
        problems_add(p->problems, 0, 0, false, "the file is empty");
    return p->ended ? NULL : root;
}

struct yaml_node *yaml_tree_parse(struct bytes text, struct arena *arena, struct problems *problems) {
    if (text.n > MAX_BYTES) {
        problems_add(problems, 0, 0, false, "the file has %zu bytes: at most 1048576 (1 MiB) are read", text.n);
        return NULL;
    }
    struct parse p = {.arena = arena, .problems = problems};
    MUST(yaml_parser_initialize(&p.parser));
    if (text.n >= 3 && !memcmp(text.at, "\xef\xbb\xbf", 3)) /* libyaml would count the mark as a column */
        text = (struct bytes){text.at + 3, text.n - 3};
    yaml_parser_set_encoding(&p.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.parser, text.at ? text.at : (const uint8_t *)"", text.n);
    struct yaml_node *root = read_stream(&p);
    yaml_parser_delete(&p.parser);
    return root;
}

uint8_t *yaml_tree_file(const char *path, size_t limit, size_t *n, struct problems *problems) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        problems_add(problems, 0, 0, false, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    uint8_t *text = malloc(limit + 1);
    MUST(text != NULL);
    *n = fread(text, 1, limit + 1, file);
    bool failed = ferror(file) != 0;
    if (failed)
        problems_add(problems, 0, 0, false, "cannot be read: %s", strerror(errno));
    else if (*n > limit)
        problems_add(problems, 0, 0, false, "is larger than %zu MiB", limit >> 20);
    fclose(file);
    if (!failed && *n <= limit)
        return text;
    free(text);
    return NULL;
}

const struct yaml_node *yaml_tree_get(const struct yaml_node *map, const char *key) {
    if (map->kind != YAML_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->n; i++)
        if (bytes_is(map->pairs[i].key, key))
            return map->pairs[i].value;
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ words */

/* How many letters must change to make one word of the other (Levenshtein; a swap of neighbours counts one). */
static size_t distance(struct bytes a, struct bytes b) {
    enum { LONGEST = 40 };
    if (a.n > LONGEST || b.n > LONGEST)
        return LONGEST;
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = above[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
                best = two_above[j - 2] + 1 < best ? two_above[j - 2] + 1 : best;
            row[j] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

const char *yaml_tree_nearest(struct bytes word, const char *const *names) {
    const char *nearest = NULL;
    size_t least = word.n / 3 + 1;
    for (; *names; names++) {
        size_t d = distance(word, bytes_of(*names));
        if (d <= least && d < strlen(*names) && (!nearest || d < least)) {
            nearest = *names;
            least = d;
        }
    }
    return nearest;
}

struct yaml_quoted yaml_quote(struct bytes text) {
    enum { MOST = 60 };
    struct yaml_quoted q;
    size_t n = text.n < MOST ? text.n : MOST;
    while (n < text.n && n > 0 && (text.at[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    for (size_t i = 0; i < n; i++)
        q.text[i] = (char)(text.at[i] < 0x20 || text.at[i] == 0x7f ? '?' : text.at[i]);
    memcpy(q.text + n, n < text.n ? ".." : "", n < text.n ? 3 : 1);
    return q;
}

/* ------------------------------------------------------------------------------------------------ problems */

void problems_fini(struct problems *problems) {
    free(problems->list);
    *problems = (struct problems){.file = problems->file};
}

void problems_add(struct problems *problems, uint32_t line, uint32_t column, bool warning, const char *format, ...) {
    problems->errors += !warning;
    if (problems->n == MAX_PROBLEMS) {
        problems->more++;
        return;
    }
    if (problems->n == problems->cap) {
        problems->cap = problems->cap ? problems->cap * 2 : 16;
        problems->list = realloc(problems->list, problems->cap * sizeof *problems->list);
        MUST(problems->list != NULL);
    }
    struct problem *problem = &problems->list[problems->n++];
    *problem = (struct problem){.warning = warning, .line = line, .column = column};
    va_list args;
    va_start(args, format);
    vsnprintf(problem->words, sizeof problem->words, format, args);
    va_end(args);
}

static int compare_problems(const void *a, const void *b) {
    const struct problem *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->words, y->words);
}

void problems_sort(struct problems *problems) {
    if (problems->n)
        qsort(problems->list, problems->n, sizeof *problems->list, compare_problems);
}

void problems_print(struct problems *problems, FILE *to) {
    problems_sort(problems);
    for (size_t i = 0; i < problems->n; i++) {
        const struct problem *problem = &problems->list[i];
        fputs(problems->file, to);
        if (problem->line)
            fprintf(to, ":%u:%u", problem->line, problem->column);
        fprintf(to, ": %s%s\n", problem->warning ? "warning: " : "", problem->words);
    }
    if (problems->more)
        fprintf(to, "%s: and %zu more\n", problems->file, problems->more);
}
