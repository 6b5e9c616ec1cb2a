/* Walking a model's tree: reading a map's keys as numbers, durations, names, and saying what is wrong with one.
 *
 * A reader looks its key up in a map. It returns true and fills *out where the key is there and good; false where it is
 * absent, or bad, and then a problem was added (a null was told before the walk began). */
#ifndef LEADSTREAM_CODEC_MODEL_WALK_H
#define LEADSTREAM_CODEC_MODEL_WALK_H

#include "codec/yaml_tree.h"
#include "core/model_build.h"

struct walk {
    const struct yaml_node *root;
    struct problems *problems;
    struct model *model;
    char context[96]; /* what is being read: `rule "pricing": `; before the words of each problem */
    char outer[96];   /* the same of what is around it */
};

struct walk_key {
    const char *name;
    bool required;
};

/* What a number may be; its bounds are in units of 10^-decimals. */
struct walk_form {
    int decimals;
    int64_t min, max;
    const char *range; /* in words */
};

extern const struct walk_form walk_points; /* 4 decimals, +-1,000,000 */
extern const struct walk_form walk_score;  /* 2 decimals, +-1,000,000: scores, clamps, thresholds */
extern const struct walk_form walk_value;  /* 2 decimals, 15 digits: what attributes and fields are compared with */
extern const struct walk_form walk_weight; /* 4 decimals, 0 to 100 */

void walk_error(struct walk *w, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void walk_error_at(struct walk *w, const struct yaml_pair *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void walk_warning(struct walk *w, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What follows is about `kind "name"`; leave goes back to what was around it. Two levels. */
void walk_enter(struct walk *w, const char *kind, struct bytes name);
void walk_leave(struct walk *w);

/* Adds a problem for every null of the tree. */
void walk_nulls(struct walk *w, const struct yaml_node *node);

/* True where the node is a map. Unknown and missing keys are problems, but it is walked all the same. */
bool walk_map(struct walk *w, const struct yaml_node *node, const char *what, const struct walk_key *keys);
/* The list under a key; NULL: absent, or not a list. */
const struct yaml_node *walk_list(struct walk *w, const struct yaml_node *map, const char *key);
/* The node is a text (it may be empty). */
bool walk_text(struct walk *w, const struct yaml_node *node, const char *what);

/* A number that stands in `node`; `what` names it in messages. */
bool walk_number_in(struct walk *w, const struct yaml_node *node, const char *what, const struct walk_form *form,
                    int64_t *out);
bool walk_number(struct walk *w, const struct yaml_node *map, const char *key, const struct walk_form *form,
                 int64_t *out);
/* An integer, form->decimals is 0. */
bool walk_integer(struct walk *w, const struct yaml_node *map, const char *key, const struct walk_form *form,
                  int64_t *out);
/* ms; least: the shortest one, 0 or 1 s. */
bool walk_duration(struct walk *w, const struct yaml_node *map, const char *key, int64_t least, int64_t *out);
/* A name of 1..64 of [A-Za-z0-9_.-], copied into the model. */
bool walk_name(struct walk *w, const struct yaml_node *map, const char *key, struct bytes *out);
bool walk_is_name(struct bytes text);
/* min and max of a map. */
void walk_clamp(struct walk *w, const struct yaml_node *map, struct model_clamp *clamp);

#endif
