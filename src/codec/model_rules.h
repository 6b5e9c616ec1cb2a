/* `engagement:` and `fit:` of a model file. */
#ifndef LEADSTREAM_CODEC_MODEL_RULES_H
#define LEADSTREAM_CODEC_MODEL_RULES_H

#include "codec/model_walk.h"

/* Both read the section from w->root if it is there. Engagement first: a fit rule may not have the id of one of its. */
void model_rules_engagement(struct walk *w);
void model_rules_fit(struct walk *w);

#endif
