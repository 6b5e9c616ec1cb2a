/* An error as a value; see the header for what the classes mean. */
#include <leadstream/err.h>

#include <stdio.h>

static const struct {
    const char *name;
    enum err_class class;
    const char *class_name, *meaning;
} table[] = {
#define X(code, name, class, meaning) {name, ERR_CLASS_##class, #class, meaning},
    ERR_CODES(X)
#undef X
};

bool err_set(struct err *e, enum err_code code, const char *where, const char *format, ...) {
    va_list args;
    va_start(args, format);
    bool result = err_vset(e, code, where, format, args);
    va_end(args);
    return result;
}

bool err_vset(struct err *e, enum err_code code, const char *where, const char *format, va_list args) {
    MUST(code > ERR_NONE && code < ERR_CODES_END);
    if (!e)
        return false;
    e->code = code;
    snprintf(e->where, sizeof e->where, "%s", where ? where : "");
    vsnprintf(e->words, sizeof e->words, format, args);
    return false;
}

const char *err_name(enum err_code code) {
    MUST(code < ERR_CODES_END);
    return table[code].name;
}

enum err_class err_class(enum err_code code) {
    MUST(code < ERR_CODES_END);
    return table[code].class;
}

const char *err_class_name(enum err_code code) {
    MUST(code < ERR_CODES_END);
    return table[code].class_name;
}

const char *err_meaning(enum err_code code) {
    MUST(code < ERR_CODES_END);
    return table[code].meaning;
}
