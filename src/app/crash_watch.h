/* Notes what a worker was at when the process fails by itself: a check (SIGABRT), or SIGSEGV, SIGBUS, SIGFPE, SIGILL on
 * the worker's own thread, while an item was decoded or applied, or a timer fired. kill -9, a signal that somebody sent,
 * and a failure anywhere else leave no note: they say nothing about a record. The process then ends as it would have. */
#ifndef LEADSTREAM_CRASH_WATCH_H
#define LEADSTREAM_CRASH_WATCH_H

#include <leadstream/engine.h>

/* Opens the file of notes (made if it is not there; notes are appended) and takes the signals over. Once a process;
 * never given back. */
bool crash_watch_begin(const char *path, struct err *e);

/* This thread's work is noted from now on, if the signals were taken over. Names of topics by index, and the place, are
 * lent until the end. */
void crash_watch_thread(const volatile struct engine_place *place, const struct bytes *topics);
void crash_watch_thread_end(void);

#endif
