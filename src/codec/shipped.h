/* The schemas of schemas/, in the program: their texts as they stand there. Made at build time
 * (cmake/schemas.cmake). */
#ifndef LEADSTREAM_SHIPPED_H
#define LEADSTREAM_SHIPPED_H

#include <leadstream/bytes.h>

struct shipped {
    const char *name;   /* the file's stem and the type's short name: "EmailEvent" */
    struct bytes json;
};

/* Sorted by name. */
extern const size_t n_shipped;
extern const struct shipped shipped[];

/* config/model.yaml: what `demo` scores with. */
extern const struct bytes shipped_model;

#endif
