/* A run that fails is made small: fewer faults, fewer events, fewer workers, as long as it fails. */
#ifndef LEADSTREAM_SIM_SHRINK_H
#define LEADSTREAM_SIM_SHRINK_H

#include "sim/plan.h"

struct sim;

/* Makes plan->faults_kept, plan->events_kept and plan->seats as small as it can (the plan must fail). Returns how many
 * runs it took. */
unsigned shrink(struct sim *sim, struct plan *plan);

#endif
