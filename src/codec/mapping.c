/* Paths of a mapping: "contact.emails[0].address" as steps. What a path finds is up to event_avro and event_json. */
#include "codec/mapping.h"

enum { QUOTED = 80, MAX_INDEX = 65535 };

static bool fail(struct err *e, struct bytes text, const char *what) {
    return err_set(e, ERR_CONFIG, NULL, "path \"%.*s\": %s (a path is names joined by dots, [n] for an array's entry)",
                   (int)(text.n < QUOTED ? text.n : QUOTED), (const char *)text.at, what);
}

/* [n] at text.at[*at]. NULL: done; else what is wrong. */
static const char *index_step(struct bytes text, size_t *at, struct mapping_step *step) {
    size_t i = *at + 1;
    uint32_t n = 0;
    for (; i < text.n && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        n = n * 10 + (uint32_t)(text.at[i] - '0');
        if (n > MAX_INDEX)
            return "an index above 65535";
    }
    if (i == *at + 1 || i == text.n || text.at[i] != ']')
        return "an index that is not [n]";
    *step = (struct mapping_step){.index = n};
    *at = i + 1;
    return NULL;
}

/* A name at text.at[*at], up to a dot or a bracket. */
static const char *name_step(struct bytes text, size_t *at, struct mapping_step *step) {
    size_t i = *at;
    while (i < text.n && text.at[i] != '.' && text.at[i] != '[') {
        if (text.at[i] == ']')
            return "a ] without its [";
        i++;
    }
    if (i == *at)
        return "an empty name";
    *step = (struct mapping_step){.name = {text.at + *at, i - *at}};
    *at = i;
    return NULL;
}

bool mapping_path(struct mapping_value *value, struct bytes text, struct err *e) {
    value->kind = MAPPING_PATH;
    value->n_steps = 0;
    for (size_t at = 0; at < text.n || value->n_steps == 0;) {
        if (value->n_steps == MAPPING_MAX_STEPS)
            return fail(e, text, "more than 16 steps");
        struct mapping_step *step = &value->steps[value->n_steps];
        bool bracket = at < text.n && text.at[at] == '[';
        if (!bracket && value->n_steps > 0) {
            if (text.at[at] != '.')
                return fail(e, text, "a name after ] without a dot");
            at++;
        }
        const char *wrong = bracket ? index_step(text, &at, step) : name_step(text, &at, step);
        if (wrong)
            return fail(e, text, wrong);
        value->n_steps++;
    }
    return true;
}
