/* What lead_take and the scorer share: prepared half-lives and scratch memory. Private to the core. */
#ifndef LEADSTREAM_CORE_LEAD_TOOLS_H
#define LEADSTREAM_CORE_LEAD_TOOLS_H

#include "core/decay.h"
#include "core/lead_layout.h"

struct lead_tools {
    const struct model *model;
    struct decay *decays;   /* by index of half_lives */
    struct bytes *fields;   /* by slot of the model's fields; all empty between two events */
};

/* lead_take for who has looked the event's type up already (NULL: the model does not know it). */
struct lead_taken lead_take_typed(struct lead *lead, struct lead_tools *tools, const struct event *event,
                                  const struct model_type *type, struct cond_counts *counts);

/* The lead's newest event time becomes `time`, which is later: what can no longer count goes. */
void lead_move_newest(struct lead *lead, struct lead_tools *tools, int64_t time);

/* The rules of the event's type that match count it. */
void lead_take_rules(struct lead *lead, struct lead_tools *tools, const struct event *event,
                     const struct model_type *type, struct cond_counts *counts);

/* How many of a section's first entries can never count again once `newest` is the lead's newest event time. decay:
 * the rule's, or NULL where it has no half-life. */
uint32_t lead_expired(const struct model_rule *rule, struct decay *decay, int64_t newest,
                      const struct lead_section *section);

/* The event's fields write the profile; `clears`: no value clears. True where something was written. */
bool lead_profile_take(struct lead *lead, const struct model *model, const struct event *event, bool clears);

#endif
