/* Arrays that grow, for the worlds in memory. */
#ifndef LEADSTREAM_TESTS_GROW_H
#define LEADSTREAM_TESTS_GROW_H

#include <leadstream/must.h>
#include <stdlib.h>

/* Makes room for one more in an array. */
#define GROW(array, n, cap)                                                                                            \
    do {                                                                                                               \
        if ((n) == (cap)) {                                                                                            \
            (cap) = (cap) ? (cap) * 2 : 64;                                                                            \
            (array) = realloc((array), (cap) * sizeof *(array));                                                       \
            MUST((array) != NULL);                                                                                     \
        }                                                                                                              \
    } while (0)

#endif
