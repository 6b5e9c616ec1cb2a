/* ucontext, with what AddressSanitizer must be told of a change of stacks. One thread. */
#include "sim/fiber.h"

#include <leadstream/must.h>

#include <stddef.h>
#include <stdlib.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#define LEAVE(save, stack, n) __sanitizer_start_switch_fiber((save), (stack), (n))
#define ENTER(save, stack, n) __sanitizer_finish_switch_fiber((save), (stack), (n))
#else
#define LEAVE(save, stack, n) ((void)(save), (void)(stack), (void)(n))
#define ENTER(save, stack, n) ((void)(save), (void)(stack), (void)(n))
#endif

enum { STACK = 1024 * 1024 };

struct fiber {
    ucontext_t context;
    char *stack;
    bool made;   /* its stack waits for something to do, or is in the middle of it */
    bool active;
    void (*f)(void *self);
    void *self;
    void *fake; /* AddressSanitizer's own stack of it */
};

static ucontext_t outside;
static const void *outside_stack;
static size_t outside_size;
static struct fiber *running;

struct fiber *fiber_new(void) {
    struct fiber *fiber = calloc(1, sizeof *fiber);
    MUST(fiber != NULL);
    fiber->stack = malloc(STACK);
    MUST(fiber->stack != NULL);
    return fiber;
}

void fiber_free(struct fiber **fiber) {
    if (!*fiber)
        return;
    free((*fiber)->stack);
    free(*fiber);
    *fiber = NULL;
}

static void leave(struct fiber *fiber) {
    running = NULL;
    LEAVE(&fiber->fake, outside_stack, outside_size);
    swapcontext(&fiber->context, &outside);
    ENTER(fiber->fake, &outside_stack, &outside_size);
    running = fiber;
}

/* One after the other: making a stack anew for each would cost a sanitizer far more than what is done on it. */
static void begin(void) {
    struct fiber *fiber = running;
    ENTER(NULL, &outside_stack, &outside_size);
    for (;;) {
        fiber->f(fiber->self);
        fiber->active = false;
        leave(fiber);
    }
}

void fiber_resume(struct fiber *fiber) {
    void *fake = NULL;
    MUST(!running && fiber->active);
    running = fiber;
    LEAVE(&fake, fiber->stack, STACK);
    swapcontext(&outside, &fiber->context);
    ENTER(fake, NULL, NULL);
}

void fiber_start(struct fiber *fiber, void (*f)(void *self), void *self) {
    MUST(!fiber->active);
    fiber->f = f;
    fiber->self = self;
    fiber->active = true;
    if (!fiber->made) {
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = fiber->stack;
        fiber->context.uc_stack.ss_size = STACK;
        fiber->context.uc_link = NULL;
        makecontext(&fiber->context, begin, 0);
        fiber->made = true;
    }
    fiber_resume(fiber);
}

void fiber_yield(void) {
    MUST(running != NULL);
    leave(running);
}

bool fiber_active(const struct fiber *fiber) {
    return fiber->active;
}

void fiber_abandon(struct fiber *fiber) {
    fiber->made = fiber->made && !fiber->active;
    fiber->active = false;
}

bool fiber_inside(void) {
    return running != NULL;
}
