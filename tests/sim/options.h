/* The command line of leadstream_sim. */
#ifndef LEADSTREAM_SIM_OPTIONS_H
#define LEADSTREAM_SIM_OPTIONS_H

#include "sim/plan.h"

/* As the product's (app/cmd.h). */
enum { OPTIONS_DONE, OPTIONS_FAILED, OPTIONS_USAGE };

struct options {
    uint64_t from, to;      /* seeds */
    bool one;               /* --seed: told at length if it fails */
    int64_t duration;       /* ms; 0: not given */
    enum plan_mode mode;    /* PLAN_MODES: the seed says */
    uint32_t seats;         /* 0: the seed says */
    struct plan_set faults, events;
    bool story, sweep, no_shrink, list;
    const char *scenario, *without;
};

/* False: *code is what to end with (after --help: done). */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
