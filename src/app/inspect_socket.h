/* How `inspect` asks a running daemon: a unix socket in the store directory, mode 0600. What is said is in
 * inspect_line. */
#ifndef LEADSTREAM_INSPECT_SOCKET_H
#define LEADSTREAM_INSPECT_SOCKET_H

#include "app/inspect_line.h"
#include "app/worker.h"

struct inspect_socket;

/* Listens at `<store path>/inspect.sock` on a thread of its own. partitions: of every input topic. NULL: *e. */
struct inspect_socket *inspect_socket_start(const char *store_path, struct worker *const *workers, size_t n_workers,
                                            uint32_t partitions, struct err *e);
void inspect_socket_stop(struct inspect_socket **socket);

/* Asks the daemon of this store. *value is in the arena. False: *e (it answered with an error, or nonsense). */
bool inspect_socket_ask(const char *store_path, struct bytes lead, struct arena *arena, enum inspect_answer *answer,
                        struct bytes *value, struct err *e);

#endif
