/* The characters of generated traffic, as tables: what a lead of a kind does, chapter by chapter of its story, and the
 * scenes (short sequences of events) that it is made of. Private to app/traffic. */
#ifndef LEADSTREAM_TRAFFIC_PLOT_H
#define LEADSTREAM_TRAFFIC_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long after the step before: the mean is this, in seconds; a few mean moments, hours, days. */
struct plot_step {
    const char *type;
    uint32_t after;
    bool machine;
    const char *about; /* a page or topic that the step is about; NULL: drawn */
};

struct plot_scene {
    size_t n;
    const struct plot_step *steps;
};

/* Scenes that a chapter draws from, by weight. */
struct plot_choice {
    const struct plot_scene *scene;
    uint8_t weight;
};

/* A time in a lead's life: `least` to `most` scenes, with gaps of `gap` percent of the usual between them. */
struct plot_chapter {
    uint8_t least, most;
    uint16_t gap;
    struct plot_choice choices[6]; /* ended by a NULL scene, if fewer */
};

struct plot_persona {
    const char *name;
    uint8_t weight;
    uint8_t n, again; /* chapters; after the last the story goes on at `again` */
    const struct plot_chapter *chapters;
    const char *const *titles; /* job titles, ended by NULL */
    bool school;               /* writes from a university */
};

extern const struct plot_persona plot_personas[];
extern const size_t plot_n_personas;

#endif
