/* The keeper of the daemon's process: its signals, and the ends that it comes to whatever hangs.
 *
 *   starting   SIGTERM ends the process at once, with 0: it has done nothing yet that could be lost;
 *              a start that does not end ends it with 3
 *   running    SIGTERM asks it to stop (keeper_asked)
 *   stopping   a second SIGTERM ends it at once; stopping that does not end is cut off
 *
 * Nothing is lost by such an end: starting is recovering. */
#ifndef LEADSTREAM_KEEPER_H
#define LEADSTREAM_KEEPER_H

#include <stdbool.h>

enum { KEEPER_START = 5 * 60 * 1000, KEEPER_STOP = 10 * 1000 /* ms that starting, stopping may take */ };

/* Blocks SIGTERM, SIGINT and SIGHUP in this thread and those that it makes, and begins to keep: the process is starting.
 * Once a process. */
void keeper_begin(void);

/* What the start is at, for the message should it not end; a literal. */
void keeper_starting(const char *what);

/* The start is over. */
void keeper_running(void);

/* Waits up to `wait` ms (running); true: asked to stop. */
bool keeper_asked(int wait);

/* From now on the process is stopping. */
void keeper_stopping(void);

/* All that matters is done: if stopping has to be cut off now, the process ends with this. */
void keeper_done(int status);

#endif
