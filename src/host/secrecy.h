/* What keeps others out of this process: its memory holds passwords and people's data.
 *
 * No core file, wherever the system would put one; no other process of the same user may trace it or read its memory
 * and environment under /proc (root always may); files and directories that it makes are its user's alone. */
#ifndef LEADSTREAM_SECRECY_H
#define LEADSTREAM_SECRECY_H

#include <stdbool.h>

/* Before the first secret is read, and before there are threads. */
void secrecy_begin(void);

/* Lets crashes leave core files again, and debuggers in: for whoever hunts a bug and knows where the file goes. */
void secrecy_allow_core(void);

/* Does the process run as root, which needs none of its rights? */
bool secrecy_is_root(void);

#endif
