/* Parameters as tables: name, type, bounds, default and one line of help; read from text, checked, printed.
 *
 * A room that can be tuned declares a table; app/settings reads the configuration with it, and `check --params` prints
 * it. A parameter's value goes to an offset of the struct that its table fills: text and secret are `const char *`
 * (NULL: not given), integer, bytes and duration (ms) are int64_t, bool is bool, a choice is an int, the index into
 * `choices`. */
#ifndef LEADSTREAM_PARAM_H
#define LEADSTREAM_PARAM_H

#include <leadstream/arena.h>
#include <leadstream/bytes.h>
#include <leadstream/err.h>
#include <stdio.h>

enum param_type {
    PARAM_TEXT,
    PARAM_NAME,   /* a text of 1 to 64 of [A-Za-z0-9._-] */
    PARAM_PATH,   /* a text: a file or directory, relative to the configuration file */
    PARAM_LOGIN,  /* a text that the file may leave to a file or the environment; never printed */
    PARAM_SECRET, /* the same, and the file must */
    PARAM_INTEGER,
    PARAM_BYTES,    /* 65536, 64KiB, 256MiB, 2GiB */
    PARAM_DURATION, /* 100ms, 5s, 15m, 12h, 14d, 2w */
    PARAM_BOOL,     /* true, false */
    PARAM_CHOICE,
    PARAM_PART /* a map or list that its own code reads: here only to be printed */
};

struct param {
    const char *name; /* with dots: "store.memory" */
    enum param_type type;
    const char *fallback;       /* the default, as text; NULL: none */
    int64_t min, max;           /* integer, bytes, ms */
    const char *const *choices; /* PARAM_CHOICE: a NULL-ended list */
    size_t offset;              /* in the struct that the table fills */
    const char *help;           /* one line */
};

/* Puts the value that `text` says into the struct `into`; text is copied into the arena. False: *e (CONFIG) quotes it,
 * except a secret, and says what would do. */
NODISCARD bool param_set(const struct param *param, void *into, struct bytes text, struct arena *arena, struct err *e);
/* Puts the default (of one without: NULL, 0). */
void param_set_default(const struct param *param, void *into, struct arena *arena);

/* A size in bytes: an integer, perhaps with KiB, MiB or GiB. */
NODISCARD bool param_bytes(struct bytes text, int64_t *out);

/* A size as text, in the largest unit that divides it. */
enum { PARAM_BYTES_TEXT = 32 };
void param_bytes_format(int64_t bytes, char out[PARAM_BYTES_TEXT]);

/* The table as a person reads it: name, type with bounds, default, help; one parameter a line. */
void param_print(const struct param *params, size_t n, FILE *to);

#endif
