/* The files that a configuration names beside the model: schemas, the key of erased leads' hashes, certificates and
 * keys. (Those of secrets are read with the configuration itself.) */
#ifndef LEADSTREAM_CHECK_FILES_H
#define LEADSTREAM_CHECK_FILES_H

#include "app/settings.h"

/* Reads them and prints what is wrong, a line each: files that cannot be read, schemas that are none, and mappings that
 * find no event in the records of their schema; a key that is not its certificate's, or whose password is another.
 * Nothing is connected. Returns how many lines. */
size_t check_files(const struct settings *settings, FILE *to);

#endif
