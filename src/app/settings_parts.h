/* What the files of app/settings share: reading one configuration file. Private to them. settings_parts.c, with what
 * stands first here, calls none of the others; settings_secrets.c calls it alone; `kafka:` and `sources:` call these
 * two, settings.c all. */
#ifndef LEADSTREAM_SETTINGS_PARTS_H
#define LEADSTREAM_SETTINGS_PARTS_H

#include "app/settings.h"

struct settings_read {
    struct settings *settings;
    struct problems *problems;
    struct arena *arena;   /* settings->arena */
    const char *directory; /* of the configuration file, with its last slash; "" where it has none */
    struct settings_env *env; /* the variables that held secrets */
};

void settings_error(struct settings_read *r, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void settings_error_at(struct settings_read *r, const struct yaml_pair *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The node is a map (list, text that is not empty and has no zero byte); if not, a problem was added. */
bool settings_is(struct settings_read *r, const struct yaml_node *node, enum yaml_kind kind, const char *what);
/* Problems for keys that are not in the NULL-ended list. */
void settings_known(struct settings_read *r, const struct yaml_node *map, const char *const *keys);
void settings_unknown(struct settings_read *r, const struct yaml_pair *pair, const char *const *keys);

/* A zero-ended copy of a text node; NULL: a problem was added. */
const char *settings_text(struct settings_read *r, const struct yaml_node *node, const char *what);
/* The same as a path, relative to the configuration file. */
const char *settings_path(struct settings_read *r, const struct yaml_node *node, const char *what);
const char *settings_resolve(struct settings_read *r, const char *path);
/* The same of any bytes, which must have no zero among them. */
const char *settings_copy(struct settings_read *r, struct bytes text);

/* ---- settings_secrets.c ---- */
/* A text, or `{file: PATH}`, `{env: NAME}`: what stands there, without the newline that ends a file. Never quoted. Of a
 * secret the text itself is an error: it would stand in the configuration for all to read. */
const char *settings_elsewhere(struct settings_read *r, const struct yaml_node *node, const char *what, bool secret);
/* Warns of a file that holds a secret and that every user of the host may read or write. */
void settings_warn_readable(struct settings_read *r, const struct yaml_node *node, const char *what, const char *path);
/* Takes what was read by {env: ..} out of the environment, where /proc and child processes would still see it. */
void settings_forget_env(struct settings_read *r);
/* Overwrites a text of ours; NULL is fine. */
void settings_wipe(const char *secret);

/* ---- settings_sources.c ---- */
/* `sources:` */
void settings_sources(struct settings_read *r, const struct yaml_node *list);
/* 1 to 249 of [A-Za-z0-9._-], but not . and .. */
bool settings_is_topic(struct bytes name);

/* ---- settings_kafka.c ---- */
/* `kafka:` */
void settings_kafka_map(struct settings_read *r, const struct yaml_node *map);

#endif
