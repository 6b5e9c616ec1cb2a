/* A scorer's insides, shared by score.c, judge.c, timer.c, reason.c and record.c. Private to the core. */
#ifndef LEADSTREAM_CORE_SCORER_H
#define LEADSTREAM_CORE_SCORER_H

#include "core/worth.h"

/* Points of time that a search holds at once: a halving of 2^48 ms, and some to spare. */
enum { SCORER_POINTS = 64 };

/* The rounded scores, in hundredths, between which nothing can change; both are inside. */
struct outlook_box {
    int64_t low, high;
};

struct scorer {
    const struct model *model;
    struct lead_tools *tools;
    struct worth_plan plan;
    struct worth worth;             /* of the evaluation at hand */
    struct worth *points;           /* SCORER_POINTS of them, for searches */
    struct score now;               /* of the evaluation at hand; its groups are owned here */
    struct score then;              /* the same, of a search */
    struct outlook_box *group_boxes;  /* by group */
    struct bytes *attrs;            /* by slot, of the lead at hand */
    bool asks_attrs;                /* readiness or a route hangs on them */
    struct worth_part *parts;       /* by rule */
    struct reason *reasons;         /* room for all that a lead can have */
    uint64_t model_mark;            /* hash of the model's name and version, in every record's id */
    struct score_counts counts;
};

/* judge.c: figures into a judgement. */

/* The points of one fit rule for the profile in scorer->attrs. */
int64_t judge_fit_rule(struct scorer *scorer, const struct model_fit_rule *rule);
/* The sum of the fit rules' points over the lead's profile; known ones are not summed again. */
int64_t judge_fit(struct scorer *scorer, const struct lead *lead);
/* Rounds a measured worth and finds grade, stage (from the lead's own), readiness and route. out->groups is filled. */
void judge(struct scorer *scorer, const struct lead *lead, const struct worth *worth, struct score *out);
/* The same, measured at `at` first. */
void judge_at(struct scorer *scorer, const struct lead *lead, int64_t at, struct worth *worth, struct score *out);

#endif
