/* A model, compiled once and never changed: flat tables that the scorer walks.
 *
 * It is built by codec/model_yaml and ended by model_finish; everything in it is owned by the model and freed by
 * model_free. Units: points and weights are integers of 0.0001; scores, thresholds and clamps of 0.01; durations and
 * half-lives are milliseconds. */
#ifndef LEADSTREAM_MODEL_H
#define LEADSTREAM_MODEL_H

#include <leadstream/bytes.h>
#include <leadstream/cond.h>
#include <leadstream/err.h>

enum {
    MODEL_MAX_RULES = 256, /* engagement and fit together */
    MODEL_MAX_GROUPS = 64,
    MODEL_MAX_STAGES = 16,
    MODEL_MAX_ROUTES = 64,
    MODEL_MAX_ATTRS = 256,
    MODEL_MAX_DEDUPE = 256,
    MODEL_MAX_VALUES = 128,  /* values that a once_per rule keeps */
    MODEL_MAX_WINDOWS = 1026 /* windows that a limited rule keeps */
};

#define MODEL_NO_HALF_LIFE UINT16_MAX /* `half_life: none` */
#define MODEL_NO_GROUP UINT16_MAX
#define MODEL_NONE INT64_MAX /* no such limit: no drift */

struct model_clamp {
    bool has_min, has_max;
    int64_t min, max;
};

/* How a rule's matching events are remembered. */
enum model_memory {
    MODEL_BUCKETS,  /* no limit, a half-life: decayed count in half-life buckets */
    MODEL_COUNT,    /* no limit, half_life none: plain count */
    MODEL_WINDOWS,  /* limit count per window (window == 0: lifetime, one window for ever) */
    MODEL_VALUES    /* limit once_per field */
};

struct model_rule {
    struct bytes id;
    uint32_t hash;          /* low 32 bits of XXH3 of the id: how memory names the rule */
    enum model_memory memory;
    uint16_t half_life;     /* index into half_lives, or MODEL_NO_HALF_LIFE */
    uint16_t group;         /* index into groups */
    uint16_t field;         /* MODEL_VALUES: slot of the once_per field */
    bool machine;           /* machine events count too */
    uint32_t limit;         /* MODEL_WINDOWS: k */
    int64_t window;         /* MODEL_WINDOWS: its length, 0 = lifetime */
    int64_t points;
    uint32_t cond;          /* over event fields */
    uint64_t signature;     /* what is remembered depends on it: on, when, half-life, limit, machine */
};

/* What an event of a type does besides matching rules. */
enum model_effect {
    MODEL_EFFECT_NONE,
    MODEL_EFFECT_PROFILE,       /* form.submitted, privacy.consent_changed: fields write the profile */
    MODEL_EFFECT_PROFILE_CLEAR, /* crm.profile_updated: the same, and no value clears */
    MODEL_EFFECT_CLOSE,         /* crm.accepted, crm.won, crm.lost */
    MODEL_EFFECT_RECYCLE,       /* crm.recycled */
    MODEL_EFFECT_ERASE          /* privacy.erased */
};

struct model_type {
    struct bytes name;
    enum model_effect effect;
    uint16_t n_rules;
    const uint16_t *rules;      /* indices into rules */
};

struct model_group {
    struct bytes name;
    struct model_clamp clamp;
};

struct model_band {
    int64_t from;   /* hundredths; compared exactly with the attribute's text */
    int64_t points;
};

struct model_fit_rule {
    struct bytes id;
    uint32_t cond;      /* over attributes; with bands: unused */
    uint16_t attr;      /* with bands: the attribute's slot */
    uint16_t n_bands;   /* 0: `when` + points */
    const struct model_band *bands;
    int64_t points;
};

struct model_grade_band {
    char grade;     /* 'A'..'C' or '1'..'3' */
    int64_t from;   /* hundredths */
};

struct model_stage {
    struct bytes name;
    uint32_t hash;  /* low 32 bits of XXH3 of the name: how a stored lead names it */
    int64_t enter;  /* the first stage: INT64_MIN, as is its leave */
    int64_t leave;
};

struct model_route {
    struct bytes to;
    uint32_t hash;  /* as a stage's */
    uint32_t cond;  /* the last: COND_ALWAYS */
};

struct model_attr {
    struct bytes name;
    uint64_t hash;  /* XXH3 of the name: how memory names the attribute */
};

/* A rounded score flips something when it goes from below x to x or more, or back. Sorted, none twice. */
struct model_thresholds {
    uint32_t n;
    const int64_t *at; /* hundredths */
};

struct model_conds; /* the table of conditions, private to core/cond.c */
struct model_index; /* names and hashes to slots, private to core/model.c */

struct model {
    struct bytes name;
    uint32_t version;
    uint64_t fingerprint;   /* of everything that a score depends on; equal models, equal fingerprints */

    uint16_t n_attrs;       /* attributes that the profile keeps, sorted by hash */
    struct model_attr *attrs;
    uint16_t n_fields;      /* event fields that rules ask about */
    struct bytes *fields;
    uint16_t n_half_lives;  /* each once */
    int64_t *half_lives;
    uint16_t n_types;       /* types that a rule names, and those that have an effect */
    struct model_type *types;

    uint16_t n_rules;       /* engagement rules, sorted by hash */
    struct model_rule *rules;
    uint16_t n_groups;      /* in file order */
    struct model_group *groups;
    struct model_clamp engagement;
    uint16_t n_fit_rules;   /* in file order */
    struct model_fit_rule *fit_rules;
    struct model_clamp fit;
    int64_t weight_engagement; /* 10000 = 1 */
    int64_t weight_fit;
    struct model_clamp total;

    uint16_t n_grade_fit, n_grade_engagement; /* both 0: no grades */
    struct model_grade_band *grade_fit, *grade_engagement;
    uint16_t n_stages;      /* 0: no stages */
    struct model_stage *stages;
    bool has_ready;
    uint32_t ready;         /* condition */
    int64_t cooldown;
    uint16_t n_routes;      /* 0: no routes */
    struct model_route *routes;
    uint8_t blank_route;    /* the route of a lead of which nothing is known */

    int64_t min_change;
    int64_t drift;          /* MODEL_NONE: time alone publishes only stage, grade and route */
    uint16_t dedupe;        /* K */

    struct model_thresholds total_flips, engagement_flips, *group_flips; /* group_flips by group */

    size_t worst_memory;    /* the most bytes that one lead's memory can take */
    size_t worst_value;     /* the same of its stored value, and of a changelog record's value */
    size_t worst_output;    /* the most bytes of a published record */

    struct model_conds *conds;
    struct model_index *index;
    struct arena *arena;    /* owns all of the above */
};

void model_free(struct model **model);

/* The type's entry, or NULL: no rule names it and it has no effect. O(1). */
const struct model_type *model_type(const struct model *model, struct bytes name);
/* The slot of an event field (-1: no rule asks about it), of an attribute (-1: not kept). O(1). */
int model_field(const struct model *model, struct bytes name);
int model_attr(const struct model *model, struct bytes name);
/* The index of the engagement rule with that hash, -1 if there is none. */
int model_rule(const struct model *model, uint32_t hash);
/* The stage or route that a stored hash names; the first stage, and -1 for routes, where there is none. */
uint8_t model_stage_of(const struct model *model, uint32_t hash);
int model_route_of(const struct model *model, uint32_t hash);

#endif
