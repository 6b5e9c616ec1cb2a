/* Avro schemas from files, and those that are shipped, into a set. */
#ifndef LEADSTREAM_SCHEMA_FILES_H
#define LEADSTREAM_SCHEMA_FILES_H

#include "codec/schema.h"

/* Reads a schema file (1 MiB at most) into the set, under `id` if id >= 0. NULL: *e names the file. */
const struct schema *schema_files_add(struct schemas *schemas, const char *path, int64_t id, struct err *e);

/* Adds the schemas that are compiled into the program, so that single-object records need no registry. */
bool schema_files_shipped(struct schemas *schemas, struct err *e);

#endif
