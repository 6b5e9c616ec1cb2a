/* What the system allows a process, judged before anything is opened: a limit met in the middle of work is told of in
 * many words, none of which is its name. */
#ifndef LEADSTREAM_LIMITS_H
#define LEADSTREAM_LIMITS_H

#include <leadstream/err.h>

/* Allows as many open files as the system lets us have. False: fewer than `needed`; *e names the remedy. */
bool limits_files(unsigned long needed, struct err *e);

#endif
