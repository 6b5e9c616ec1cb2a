/* Walking a model's tree. Every message quotes the bad text and says what would be good. */
#include "codec/model_walk.h"
#include <leadstream/decimal.h>
#include <leadstream/when.h>

#include <stdarg.h>

#define MILLION INT64_C(1000000)
#define MOST_VALUE INT64_C(99999999999999999) /* hundredths */
#define LONGEST (36500 * WHEN_DAY)

const struct walk_form walk_points = {4, -MILLION * 10000, MILLION * 10000, "-1000000 to 1000000"};
const struct walk_form walk_score = {2, -MILLION * 100, MILLION * 100, "-1000000 to 1000000"};
const struct walk_form walk_value = {2, -MOST_VALUE, MOST_VALUE, "at most 15 digits before the point"};
const struct walk_form walk_weight = {4, 0, MILLION, "0 to 100"};

/* ------------------------------------------------------------------------------------------------ problems */

__attribute__((format(printf, 4, 0))) static void add(struct walk *w, const uint32_t place[2], bool warning,
                                                      const char *format, va_list args) {
    char words[sizeof((struct problem *)0)->words];
    vsnprintf(words, sizeof words, format, args);
    problems_add(w->problems, place[0], place[1], warning, "%s%s", w->context, words);
}

void walk_error(struct walk *w, const struct yaml_node *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(w, (const uint32_t[2]){at->line, at->column}, false, format, args);
    va_end(args);
}

void walk_error_at(struct walk *w, const struct yaml_pair *key, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(w, (const uint32_t[2]){key->line, key->column}, false, format, args);
    va_end(args);
}

void walk_warning(struct walk *w, const struct yaml_node *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(w, (const uint32_t[2]){at->line, at->column}, true, format, args);
    va_end(args);
}

void walk_enter(struct walk *w, const char *kind, struct bytes name) {
    memcpy(w->outer, w->context, sizeof w->outer);
    snprintf(w->context, sizeof w->context, "%s \"%s\": ", kind, yaml_quote(name).text);
}

void walk_leave(struct walk *w) {
    memcpy(w->context, w->outer, sizeof w->context);
    w->outer[0] = 0;
}

void walk_nulls(struct walk *w, const struct yaml_node *node) {
    for (uint32_t i = 0; node->kind == YAML_MAP && i < node->n; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        if (pair->value->kind == YAML_NULL && pair->value->line)
            walk_error_at(w, pair, "\"%s\" has no value (null): give it one, or leave the key out",
                          yaml_quote(pair->key).text);
        walk_nulls(w, pair->value);
    }
    for (uint32_t i = 0; node->kind == YAML_LIST && i < node->n; i++) {
        if (node->items[i]->kind == YAML_NULL && node->items[i]->line)
            walk_error(w, node->items[i], "an entry of a list has no value (null): give it one, or leave it out");
        walk_nulls(w, node->items[i]);
    }
}

/* ------------------------------------------------------------------------------------------------ shapes */

static const char *kind_name(enum yaml_kind kind) {
    switch (kind) {
    case YAML_TEXT: return "a text";
    case YAML_MAP: return "a map";
    case YAML_LIST: return "a list";
    case YAML_NULL: break;
    }
    return "null";
}

/* A null was told by walk_nulls; one is enough. */
static bool shaped(struct walk *w, const struct yaml_node *node, const char *what, enum yaml_kind kind) {
    if (node->kind == YAML_NULL)
        return false;
    if (node->kind != kind)
        walk_error(w, node, "%s must be %s, not %s", what, kind_name(kind), kind_name(node->kind));
    return node->kind == kind;
}

static void refuse_unknown(struct walk *w, const struct yaml_pair *pair, const struct walk_key *keys) {
    enum { MOST = 24 };
    const char *names[MOST + 1];
    size_t n = 0;
    char known[200] = "";
    size_t at = 0;
    for (; keys[n].name; n++) {
        MUST(n < MOST);
        names[n] = keys[n].name;
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", n ? ", " : "", keys[n].name);
        MUST(at < sizeof known);
    }
    names[n] = NULL;
    const char *nearest = yaml_tree_nearest(pair->key, names);
    if (nearest)
        walk_error_at(w, pair, "unknown key \"%s\" (did you mean %s?)", yaml_quote(pair->key).text, nearest);
    else
        walk_error_at(w, pair, "unknown key \"%s\" (known here: %s)", yaml_quote(pair->key).text, known);
}

bool walk_map(struct walk *w, const struct yaml_node *node, const char *what, const struct walk_key *keys) {
    if (!shaped(w, node, what, YAML_MAP))
        return false;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct walk_key *key = keys;
        while (key->name && !bytes_is(node->pairs[i].key, key->name))
            key++;
        if (!key->name)
            refuse_unknown(w, &node->pairs[i], keys);
    }
    for (const struct walk_key *key = keys; key->name; key++)
        if (key->required && !yaml_tree_get(node, key->name))
            walk_error(w, node, "%s needs the key \"%s\"", what, key->name);
    return true;
}

const struct yaml_node *walk_list(struct walk *w, const struct yaml_node *map, const char *key) {
    const struct yaml_node *node = yaml_tree_get(map, key);
    return node && shaped(w, node, key, YAML_LIST) ? node : NULL;
}

bool walk_text(struct walk *w, const struct yaml_node *node, const char *what) {
    return shaped(w, node, what, YAML_TEXT);
}

/* The text under a key, NULL if it is absent or no text. */
static const struct yaml_node *text_under(struct walk *w, const struct yaml_node *map, const char *key) {
    const struct yaml_node *node = yaml_tree_get(map, key);
    return node && walk_text(w, node, key) ? node : NULL;
}

/* ------------------------------------------------------------------------------------------------ numbers */

bool walk_number_in(struct walk *w, const struct yaml_node *node, const char *what, const struct walk_form *form,
                    int64_t *out) {
    if (!walk_text(w, node, what))
        return false;
    int64_t value = 0;
    int64_t limit = form->max > -form->min ? form->max : -form->min;
    switch (decimal_scaled(node->text, form->decimals, limit, &value)) {
    case DECIMAL_NOT_A_NUMBER:
        walk_error(w, node, "%s \"%s\" is not a number (write it like 5, -2.5)", what, yaml_quote(node->text).text);
        return false;
    case DECIMAL_TOO_PRECISE:
        walk_error(w, node, "%s \"%s\" has more than %d decimals", what, yaml_quote(node->text).text, form->decimals);
        return false;
    case DECIMAL_OK:
        if (value >= form->min && value <= form->max)
            break;
        /* fall through */
    case DECIMAL_TOO_LARGE:
        walk_error(w, node, "%s \"%s\" is out of range (%s)", what, yaml_quote(node->text).text, form->range);
        return false;
    }
    *out = value;
    return true;
}

bool walk_number(struct walk *w, const struct yaml_node *map, const char *key, const struct walk_form *form,
                 int64_t *out) {
    const struct yaml_node *node = yaml_tree_get(map, key);
    return node && walk_number_in(w, node, key, form, out);
}

bool walk_integer(struct walk *w, const struct yaml_node *map, const char *key, const struct walk_form *form,
                  int64_t *out) {
    const struct yaml_node *node = text_under(w, map, key);
    if (!node)
        return false;
    bool digits = node->text.n > 0;
    for (size_t i = 0; i < node->text.n; i++)
        digits = digits && node->text.at[i] != '.';
    int64_t value = 0;
    if (!digits || decimal_scaled(node->text, 0, INT64_MAX, &value) == DECIMAL_NOT_A_NUMBER) {
        walk_error(w, node, "%s \"%s\" is not an integer (%s)", key, yaml_quote(node->text).text, form->range);
        return false;
    }
    return walk_number_in(w, node, key, form, out);
}

/* ------------------------------------------------------------------------------------------------ durations */

static int64_t unit_of(uint8_t letter) {
    switch (letter) {
    case 's': return WHEN_SECOND;
    case 'm': return WHEN_MINUTE;
    case 'h': return WHEN_HOUR;
    case 'd': return WHEN_DAY;
    case 'w': return WHEN_WEEK;
    default: return 0;
    }
}

/* The remedy for what is almost a duration: "7 days" -> "try 7d". */
static void suggest_duration(struct bytes text, char out[64]) {
    size_t digits = 0, at;
    while (digits < text.n && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    for (at = digits; at < text.n && text.at[at] == ' ';)
        at++;
    uint8_t letter = at < text.n ? (uint8_t)(text.at[at] | 0x20) : 'd';
    uint8_t second = at + 1 < text.n ? (uint8_t)(text.at[at + 1] | 0x20) : 0;
    bool month = letter == 'm' && second == 'o', millis = letter == 'm' && second == 's';
    if (!digits || digits > 9 || !unit_of(letter) || month || millis)
        snprintf(out, 64, "an integer and one unit, like 90s, 15m, 12h, 14d, 2w");
    else
        snprintf(out, 64, "try %.*s%c", (int)digits, (const char *)text.at, letter);
}

bool walk_duration(struct walk *w, const struct yaml_node *map, const char *key, int64_t least, int64_t *out) {
    const struct yaml_node *node = text_under(w, map, key);
    if (!node)
        return false;
    struct bytes digits = {node->text.at, node->text.n ? node->text.n - 1 : 0};
    int64_t unit = node->text.n ? unit_of(node->text.at[digits.n]) : 0;
    int64_t count = 0;
    bool plain = unit != 0 && digits.n > 0;
    for (size_t i = 0; plain && i < digits.n; i++)
        plain = digits.at[i] >= '0' && digits.at[i] <= '9';
    if (!plain) {
        char remedy[64];
        suggest_duration(node->text, remedy);
        walk_error(w, node, "%s \"%s\" is not a duration (%s)", key, yaml_quote(node->text).text, remedy);
        return false;
    }
    bool large = decimal_scaled(digits, 0, LONGEST / unit, &count) != DECIMAL_OK;
    if (large || count * unit < least) {
        walk_error(w, node, "%s \"%s\" is out of range (%s to 36500d)", key, yaml_quote(node->text).text,
                   least ? "1s" : "0s");
        return false;
    }
    *out = count * unit;
    return true;
}

/* ------------------------------------------------------------------------------------------------ names, clamps */

bool walk_is_name(struct bytes text) {
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.at[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
            return false;
    }
    return text.n >= 1 && text.n <= 64;
}

bool walk_name(struct walk *w, const struct yaml_node *map, const char *key, struct bytes *out) {
    const struct yaml_node *node = text_under(w, map, key);
    if (!node)
        return false;
    if (!walk_is_name(node->text)) {
        walk_error(w, node, "%s \"%s\" is not a name (1 to 64 of A-Z a-z 0-9 _ . -)", key, yaml_quote(node->text).text);
        return false;
    }
    *out = model_text(w->model, node->text);
    return true;
}

void walk_clamp(struct walk *w, const struct yaml_node *map, struct model_clamp *clamp) {
    clamp->has_min = walk_number(w, map, "min", &walk_score, &clamp->min);
    clamp->has_max = walk_number(w, map, "max", &walk_score, &clamp->max);
    if (clamp->has_min && clamp->has_max && clamp->min > clamp->max)
        walk_error(w, yaml_tree_get(map, "min"), "min \"%s\" is above max \"%s\"",
                   yaml_quote(yaml_tree_get(map, "min")->text).text, yaml_quote(yaml_tree_get(map, "max")->text).text);
}
