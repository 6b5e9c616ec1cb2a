/* What happened in a run, as sentences with the step and the time before them. */
#ifndef LEADSTREAM_SIM_STORY_H
#define LEADSTREAM_SIM_STORY_H

#include <stddef.h>
#include <stdio.h>

struct sim;

struct story {
    char *text;
    size_t n, cap;
};

/* Nothing where the run has no story. */
void story_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void story_print(const struct story *story, FILE *to);
void story_free(struct story *story);

#endif
