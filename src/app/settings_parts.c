/* What every part of a configuration is read with: complaints at their places, what a node must be, texts, paths. */
#include "app/settings_parts.h"

#include <stdarg.h>

__attribute__((format(printf, 4, 0))) static void add_error(struct settings_read *r, uint32_t line, uint32_t column,
                                                            const char *format, va_list args) {
    char words[sizeof((struct problem *)0)->words];
    vsnprintf(words, sizeof words, format, args);
    problems_add(r->problems, line, column, false, "%s", words);
}

void settings_error(struct settings_read *r, const struct yaml_node *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_error(r, at->line, at->column, format, args);
    va_end(args);
}

void settings_error_at(struct settings_read *r, const struct yaml_pair *key, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_error(r, key->line, key->column, format, args);
    va_end(args);
}

bool settings_is(struct settings_read *r, const struct yaml_node *node, enum yaml_kind kind, const char *what) {
    static const char *const kinds[] = {
        [YAML_NULL] = "null", [YAML_TEXT] = "a text", [YAML_MAP] = "a map", [YAML_LIST] = "a list"};
    if (node->kind == YAML_NULL && node->line)
        settings_error(r, node, "%s has no value (null): give it one, or leave the key out", what);
    else if (node->kind != kind && node->line)
        settings_error(r, node, "%s must be %s, not %s", what, kinds[kind], kinds[node->kind]);
    else if (kind == YAML_TEXT && node->kind == kind && !node->text.n)
        settings_error(r, node, "%s is empty", what);
    else if (kind == YAML_TEXT && node->kind == kind && memchr(node->text.at, 0, node->text.n))
        settings_error(r, node, "%s has a zero byte in it", what);
    else
        return node->kind == kind;
    return false;
}

void settings_unknown(struct settings_read *r, const struct yaml_pair *pair, const char *const *keys) {
    const char *nearest = yaml_tree_nearest(pair->key, keys);
    char known[240] = "";
    for (size_t i = 0, at = 0; keys[i] && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", keys[i]);
    if (nearest)
        settings_error_at(r, pair, "unknown key \"%s\" (did you mean %s?)", yaml_quote(pair->key).text, nearest);
    else
        settings_error_at(r, pair, "unknown key \"%s\" (known here: %s)", yaml_quote(pair->key).text, known);
}

void settings_known(struct settings_read *r, const struct yaml_node *map, const char *const *keys) {
    for (uint32_t i = 0; i < map->n; i++) {
        size_t j = 0;
        while (keys[j] && !bytes_is(map->pairs[i].key, keys[j]))
            j++;
        if (!keys[j])
            settings_unknown(r, &map->pairs[i], keys);
    }
}

/* ------------------------------------------------------------------------------------------------ texts */

const char *settings_copy(struct settings_read *r, struct bytes text) {
    char *copy = arena_take(r->arena, text.n + 1);
    MUST(copy != NULL); /* the file has 1 MiB, the arena 64 */
    if (text.n)
        memcpy(copy, text.at, text.n);
    copy[text.n] = 0;
    return copy;
}

const char *settings_text(struct settings_read *r, const struct yaml_node *node, const char *what) {
    return settings_is(r, node, YAML_TEXT, what) ? settings_copy(r, node->text) : NULL;
}

const char *settings_resolve(struct settings_read *r, const char *path) {
    if (path[0] == '/' || !r->directory[0])
        return path;
    size_t n = strlen(r->directory);
    char *resolved = arena_take(r->arena, n + strlen(path) + 1);
    MUST(resolved != NULL);
    memcpy(resolved, r->directory, n);
    memcpy(resolved + n, path, strlen(path) + 1);
    return resolved;
}

const char *settings_path(struct settings_read *r, const struct yaml_node *node, const char *what) {
    const char *text = settings_text(r, node, what);
    return text ? settings_resolve(r, text) : NULL;
}
