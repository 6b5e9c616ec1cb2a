/* A store before another store, of which any one call can be made to fail, by its number. */
#ifndef LEADSTREAM_TESTS_FAULTY_STORE_H
#define LEADSTREAM_TESTS_FAULTY_STORE_H

#include <leadstream/engine.h>

struct faulty_store {
    struct store inner;
    uint64_t calls;   /* fallible ones so far */
    uint64_t fail_at; /* 0: none */
    enum err_code code;
    bool after; /* it takes effect all the same */
};

/* The port; the struct must outlive it. */
struct store faulty_store_port(struct faulty_store *faulty);
/* The n-th fallible call from now fails with this code. 0: none. */
void faulty_store_fail(struct faulty_store *faulty, uint64_t n, enum err_code code, bool after);

#endif
