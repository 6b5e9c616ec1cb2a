/* Conditions of a model file -> the model's table of conditions. */
#ifndef LEADSTREAM_CODEC_MODEL_WHEN_H
#define LEADSTREAM_CODEC_MODEL_WHEN_H

#include "codec/model_walk.h"

/* Where a condition stands says what its names are. */
enum model_when_place {
    WHEN_EVENT, /* engagement rules: the event's fields */
    WHEN_FIT,   /* fit rules: the profile's attributes */
    WHEN_LEAD   /* sales_ready, routes: attributes, and stage, grade, total, engagement, fit, group.NAME */
};

/* The condition; COND_ALWAYS where problems were added. Stages, grade and groups must have been read before. */
uint32_t model_when(struct walk *w, const struct yaml_node *node, enum model_when_place place);

/* The slot of the attribute that a text names (`of`, `profile.keep`); -1: a problem was added. */
int model_when_attr(struct walk *w, const struct yaml_node *node, const char *what);

#endif
