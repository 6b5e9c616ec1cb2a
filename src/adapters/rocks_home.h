/* The store's directory, looked at before RocksDB sees it, and whose it is.
 *
 * RocksDB would make a new database beside the remains of a damaged one and then remove those as rubbish, and its words
 * for a directory of another user are poor. So what can be known beforehand is looked at here; each refusal has its own
 * words and its remedy, and nothing is ever deleted. */
#ifndef LEADSTREAM_ROCKS_HOME_H
#define LEADSTREAM_ROCKS_HOME_H

#include "adapters/rocks_db.h"
#include "adapters/rocks_keys.h"

/* Writes `<path>/<generation>` to dir and makes it (mode 0700, with its parents) unless read_only. */
NODISCARD bool rocks_home_prepare(const char *path, const char *generation, bool read_only, char dir[ROCKS_DB_MAX_PATH],
                                  struct err *e);

/* Compares the store's identity with ours; an empty store becomes ours, unless read_only. A cluster of "" on either
 * side is not compared; a store that has none takes ours. */
NODISCARD bool rocks_home_claim(struct rocks_db *db, const struct rocks_identity *ours, bool read_only, struct err *e);

#endif
