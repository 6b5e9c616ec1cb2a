/* Assertions that stay on in production.
 *
 * MUST(cond) is for what can only be false if leadstream itself has a bug: it prints the condition and its place and
 * aborts. What the world does wrong (bad bytes, a broker that is away) is a struct err, never a MUST. */
#ifndef LEADSTREAM_MUST_H
#define LEADSTREAM_MUST_H

/* Prints "leadstream: bug: COND (FILE:LINE)" on stderr and aborts. */
_Noreturn void must_fail(const char *cond, const char *file, int line);

/* The check that failed, for whoever handles the abort; cond NULL: none did. */
struct must_failure {
    const char *cond, *file;
    int line;
};
const struct must_failure *must_failure(void);

#define MUST(cond) ((cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__))

/* For functions whose result may not be dropped. */
#define NODISCARD __attribute__((warn_unused_result))

#endif
