/* A turn of a worker that can stand still in the middle of a call while others go on: a stack of its own. */
#ifndef LEADSTREAM_SIM_FIBER_H
#define LEADSTREAM_SIM_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_new(void);
void fiber_free(struct fiber **fiber);

/* Runs f(self) on the fiber's stack until it ends or yields. The fiber must not be in the middle of something. */
void fiber_start(struct fiber *fiber, void (*f)(void *self), void *self);
/* Goes on where it yielded. */
void fiber_resume(struct fiber *fiber);
/* Back to who started or resumed the fiber that runs. */
void fiber_yield(void);
/* It has begun and not ended. */
bool fiber_active(const struct fiber *fiber);
/* What it is in the middle of is never gone on with. */
void fiber_abandon(struct fiber *fiber);
/* True inside of a fiber. */
bool fiber_inside(void);

#endif
