/* Guards: lines whose only work is to withstand a trap of the world (a commit whose answer is lost, a read that ends too
 * early, a bomb in a record). Each has a name, so that a test can take it away and see another test go red: a guard that
 * nothing misses is dead, or untested (tests/guards/README.md has the list of them all).
 *
 *     if (GUARD(store_ahead) && stored->upto > end)
 *
 * GUARD(name) is `true` in every build but that of the preset `mutants`, where it asks whether the name was taken away.
 * Nothing of that is in the program as it is run. */
#ifndef LEADSTREAM_GUARD_H
#define LEADSTREAM_GUARD_H

#include <stdbool.h>

#ifdef LEADSTREAM_MUTANTS

#define GUARD(name) guard_stands(#name)

/* False for the one guard that was taken away: by the environment's LEADSTREAM_WITHOUT, or by guard_remove(). */
bool guard_stands(const char *name);
/* Takes this guard away (NULL: none), before any thread is started. False: there is none of that name. */
bool guard_remove(const char *name);

#else
#define GUARD(name) true
#endif

#endif
