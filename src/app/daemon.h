/* What `run` and `demo` start and stop: the store, the workers, the schemas, HTTP and the inspect socket. */
#ifndef LEADSTREAM_DAEMON_H
#define LEADSTREAM_DAEMON_H

#include "app/settings.h"
#include "app/worker.h"

enum { DAEMON_MAX_THREADS = 64, DAEMON_STOP = 9000 /* ms that stopping may take */ };

struct daemon_options {
    const struct settings *settings;
    const struct model *model;
    bool assign_all;                    /* the mock broker: no group; nothing is checked of the topics */
    uint32_t partitions;                /* with assign_all */
    bool no_transactions;               /* benchmark only */
    bool watch_crashes;                 /* take the signals of crashes over, unless the settings say not to */
    void (*starting)(const char *what); /* told what the start is at; may be NULL */
    int64_t patience;                   /* ms that a worker's turn may take before it counts as hanging; 0: the usual */
    int64_t (*wall)(void *clock);       /* NULL: the machine's */
    void *clock;
    void (*turned)(void *host, unsigned worker, const struct engine_counts *counts); /* may be NULL */
    void *host;
};

struct daemon;

/* Checks the topics, opens the store, starts everything. NULL: *e, and nothing is left running. */
struct daemon *daemon_start(const struct daemon_options *options, struct err *e);

/* True while all workers run; else *e says why the first one ended, or that it hangs. */
bool daemon_running(struct daemon *daemon, struct err *e);

/* Asks all to stop and waits DAEMON_STOP at most. False: *e says what was not done; if they did not end in time, the
 * daemon must not be freed and the process should leave at once (*late). */
bool daemon_stop(struct daemon *daemon, bool *late, struct err *e);

void daemon_free(struct daemon **daemon);

#endif
