/* Parameters as tables. What a text must be is said by the type and the bounds alone, so that the check, the message
 * and the printed table cannot differ. */
#include "host/param.h"
#include <leadstream/when.h>

static const char *const type_names[] = {
    [PARAM_TEXT] = "text",     [PARAM_NAME] = "name",         [PARAM_PATH] = "path",       [PARAM_LOGIN] = "login",
    [PARAM_SECRET] = "secret", [PARAM_INTEGER] = "integer",   [PARAM_BYTES] = "bytes",     [PARAM_BOOL] = "bool",
    [PARAM_CHOICE] = "choice", [PARAM_DURATION] = "duration", [PARAM_PART] = "part",
};

/* ------------------------------------------------------------------------------------------------ numbers */

/* Digits alone; what is above INT64_MAX stays there, past every bound. */
static bool read_integer(struct bytes text, int64_t *out) {
    int64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');
        if (digit > 9)
            return false;
        value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    *out = value;
    return text.n > 0;
}

static const struct {
    const char *suffix;
    int64_t size;
} units[] = {{"GiB", INT64_C(1) << 30}, {"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}, {"", 1}};
enum { N_UNITS = sizeof units / sizeof *units };

bool param_bytes(struct bytes text, int64_t *out) {
    size_t unit = 0;
    for (;; unit++) {
        size_t n = strlen(units[unit].suffix);
        if (text.n >= n && !memcmp(text.at + (text.n - n), units[unit].suffix, n))
            break;
    }
    int64_t count = 0;
    text.n -= strlen(units[unit].suffix);
    if (!read_integer(text, &count))
        return false;
    *out = count > INT64_MAX / units[unit].size ? INT64_MAX : count * units[unit].size;
    return true;
}

void param_bytes_format(int64_t bytes, char out[PARAM_BYTES_TEXT]) {
    size_t unit = 0;
    while (unit < N_UNITS - 1 && (bytes < units[unit].size || bytes % units[unit].size))
        unit++;
    snprintf(out, PARAM_BYTES_TEXT, "%lld%s", (long long)(bytes / units[unit].size), units[unit].suffix);
}

static bool read_number(enum param_type type, struct bytes text, int64_t *out) {
    if (type == PARAM_DURATION)
        return when_duration(text, out);
    return type == PARAM_BYTES ? param_bytes(text, out) : read_integer(text, out);
}

static void write_number(enum param_type type, int64_t value, char out[PARAM_BYTES_TEXT]) {
    if (type == PARAM_DURATION)
        (void)when_duration_format(value, out);
    else if (type == PARAM_BYTES)
        param_bytes_format(value, out);
    else
        snprintf(out, PARAM_BYTES_TEXT, "%lld", (long long)value);
}

/* ------------------------------------------------------------------------------------------------ setting */

/* A text cut to what a message can hold. */
static int shown(struct bytes text) {
    enum { MOST = 60 };
    return (int)(text.n < MOST ? text.n : MOST);
}

static bool set_number(const struct param *param, int64_t *to, struct bytes text, struct err *e) {
    static const char *const forms[] = {[PARAM_INTEGER] = "an integer",
                                        [PARAM_BYTES] = "a size (like 65536, 64KiB, 256MiB, 2GiB)",
                                        [PARAM_DURATION] = "a duration (like 100ms, 5s, 15m, 12h, 14d; at most 36500d)",
                                        [PARAM_CHOICE] = NULL};
    int64_t value = 0;
    if (!read_number(param->type, text, &value))
        return err_set(e, ERR_CONFIG, NULL, "%s \"%.*s\" is not %s", param->name, shown(text), (const char *)text.at,
                       forms[param->type]);
    if (value < param->min || value > param->max) {
        char min[PARAM_BYTES_TEXT], max[PARAM_BYTES_TEXT];
        write_number(param->type, param->min, min);
        write_number(param->type, param->max, max);
        return err_set(e, ERR_CONFIG, NULL, "%s \"%.*s\" is out of range (%s to %s)", param->name, shown(text),
                       (const char *)text.at, min, max);
    }
    *to = value;
    return true;
}

static bool set_choice(const struct param *param, int *to, struct bytes text, struct err *e) {
    char known[160] = "";
    size_t at = 0;
    for (int i = 0; param->choices[i]; i++) {
        if (bytes_is(text, param->choices[i])) {
            *to = i;
            return true;
        }
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", param->choices[i]);
        MUST(at < sizeof known);
    }
    return err_set(e, ERR_CONFIG, NULL, "%s \"%.*s\" is not one of: %s", param->name, shown(text),
                   (const char *)text.at, known);
}

static bool set_bool(const struct param *param, bool *to, struct bytes text, struct err *e) {
    *to = bytes_is(text, "true");
    if (*to || bytes_is(text, "false"))
        return true;
    return err_set(e, ERR_CONFIG, NULL, "%s \"%.*s\" is neither true nor false", param->name, shown(text),
                   (const char *)text.at);
}

/* Folders are called by names: those of this folder and the one above are none. */
static bool is_name(struct bytes text) {
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.at[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return text.n >= 1 && text.n <= 64 && !bytes_is(text, ".") && !bytes_is(text, "..");
}

static bool set_text(const struct param *param, const char **to, struct bytes text, struct arena *arena,
                     struct err *e) {
    if (param->type == PARAM_NAME && !is_name(text))
        return err_set(e, ERR_CONFIG, NULL, "%s \"%.*s\" is not a name (1 to 64 of A-Z a-z 0-9 . _ -)", param->name,
                       shown(text), (const char *)text.at);
    if (!text.n)
        return err_set(e, ERR_CONFIG, NULL, "%s is empty", param->name);
    if (memchr(text.at, 0, text.n))
        return err_set(e, ERR_CONFIG, NULL, "%s has a zero byte in it", param->name);
    char *copy = arena_take(arena, text.n + 1);
    if (!copy)
        return err_set(e, ERR_CONFIG, NULL, "%s is too long", param->name);
    memcpy(copy, text.at, text.n);
    copy[text.n] = 0;
    *to = copy;
    return true;
}

bool param_set(const struct param *param, void *into, struct bytes text, struct arena *arena, struct err *e) {
    void *to = (char *)into + param->offset;
    switch (param->type) {
    case PARAM_INTEGER:
    case PARAM_BYTES:
    case PARAM_DURATION: return set_number(param, to, text, e);
    case PARAM_BOOL: return set_bool(param, to, text, e);
    case PARAM_CHOICE: return set_choice(param, to, text, e);
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_PATH:
    case PARAM_LOGIN:
    case PARAM_SECRET: return set_text(param, to, text, arena, e);
    case PARAM_PART: break;
    }
    MUST(param->type != PARAM_PART);
    return false;
}

void param_set_default(const struct param *param, void *into, struct arena *arena) {
    struct err e;
    if (param->type == PARAM_PART)
        return;
    if (param->fallback)
        MUST(param_set(param, into, bytes_of(param->fallback), arena, &e));
    else if (param->type <= PARAM_SECRET)
        *(const char **)(void *)((char *)into + param->offset) = NULL;
}

/* ------------------------------------------------------------------------------------------------ printing */

static void describe(const struct param *param, char *out, size_t n) {
    char min[PARAM_BYTES_TEXT], max[PARAM_BYTES_TEXT];
    size_t at = (size_t)snprintf(out, n, "%s", type_names[param->type]);
    if (param->type == PARAM_INTEGER || param->type == PARAM_BYTES || param->type == PARAM_DURATION) {
        write_number(param->type, param->min, min);
        write_number(param->type, param->max, max);
        snprintf(out + at, n - at, " %s..%s", min, max);
    }
    for (int i = 0; param->type == PARAM_CHOICE && param->choices[i] && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%s", i ? "|" : ": ", param->choices[i]);
}

void param_print(const struct param *params, size_t n, FILE *to) {
    fprintf(to, "%-26s %-28s %-26s %s\n", "name", "type", "default", "what it is");
    for (size_t i = 0; i < n; i++) {
        char type[120];
        describe(&params[i], type, sizeof type);
        fprintf(to, "%-26s %-28s %-26s %s\n", params[i].name, type, params[i].fallback ? params[i].fallback : "-",
                params[i].help);
    }
}
