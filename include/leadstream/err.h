/* An error as a value: what kind, where, and in words; no allocation.
 *
 * A function that can fail returns bool (true: done) and takes a struct err * as its last parameter, which it fills
 * only when it returns false. Each code has a class, and the class says what the caller does:
 *   REJECT  this record is bad: dead letter, go on with the next;
 *   RETRY   the world is slow: back off and call again;
 *   FATAL   the batch is lost: abort and resync; a FATAL during resync or at start ends the process. */
#ifndef LEADSTREAM_ERR_H
#define LEADSTREAM_ERR_H

#include <leadstream/must.h>
#include <stdarg.h>
#include <stdbool.h>

enum err_class { ERR_CLASS_NONE, ERR_CLASS_REJECT, ERR_CLASS_RETRY, ERR_CLASS_FATAL };

/* X(code, name in logs and dead letters, class, what it means) */
#define ERR_CODES(X)                                                                                                  \
    X(NONE, "none", NONE, "no error")                                                                                 \
    X(MALFORMED, "malformed", REJECT, "the bytes are not what their format says")                                     \
    X(MISSING, "missing", REJECT, "a part that every event needs is absent")                                          \
    X(INVALID, "invalid", REJECT, "a part is present but not a valid value")                                          \
    X(TOO_LARGE, "too-large", REJECT, "a part or the whole is beyond its limit")                                      \
    X(FUTURE, "future", REJECT, "the event's time is too far past the record's timestamp")                            \
    X(MISPLACED, "misplaced", REJECT, "the record is in another partition than its lead's key gives")                 \
    X(SCHEMA, "schema", REJECT, "the record's schema is unknown or does not fit the mapping")                         \
    X(OUTPUT_TOO_LARGE, "output-too-large", REJECT, "what the event would publish is beyond the topic's limit")       \
    X(POISON, "poison", REJECT, "taking the record made the program fail an internal check, again and again")         \
    X(TIMEOUT, "timeout", RETRY, "the world did not answer in time")                                                  \
    X(UNAVAILABLE, "unavailable", RETRY, "the world cannot be reached")                                               \
    X(FULL, "full", RETRY, "a queue is full")                                                                         \
    X(ABORTED, "aborted", FATAL, "the transaction cannot be committed")                                               \
    X(STALLED, "stalled", FATAL, "the brokers did not take the batch in time: it is done again")                      \
    X(FENCED, "fenced", FATAL, "another instance has taken over")                                                     \
    X(UNKNOWN_OUTCOME, "unknown-outcome", FATAL, "nobody said whether the transaction was committed")                 \
    X(LOST, "lost", FATAL, "the partitions were taken away")                                                          \
    X(REFUSED, "refused", FATAL, "state, topics and model do not belong together")                                    \
    X(CORRUPT, "corrupt", FATAL, "stored bytes fail their checks")                                                    \
    X(DISK, "disk", FATAL, "the disk is full, read-only or failing")                                                  \
    X(AUTH, "auth", FATAL, "authentication or permission refused")                                                    \
    X(CONFIG, "config", FATAL, "the configuration or the model is wrong")                                             \
    X(BROKER, "broker", FATAL, "the broker refuses for good")

enum err_code {
#define X(code, name, class, meaning) ERR_##code,
    ERR_CODES(X)
#undef X
    ERR_CODES_END
};

/* Code and words. `where` names a place (topic/partition/offset, file:line:column, a path), "" if there is none. */
struct err {
    enum err_code code;
    char where[160];
    char words[320];
};

/* Fills *e and returns false, so that a failing function can end with `return err_set(...)`. `where` may be NULL.
 * Text that is too long is cut. e may be NULL (the caller does not care). */
bool err_set(struct err *e, enum err_code code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool err_vset(struct err *e, enum err_code code, const char *where, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/* The code's name ("malformed"), class and meaning, from the table above; the class's name ("REJECT"). */
const char *err_name(enum err_code code);
enum err_class err_class(enum err_code code);
const char *err_class_name(enum err_code code);
const char *err_meaning(enum err_code code);

#endif
