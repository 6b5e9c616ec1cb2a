/* Schema files are small; they are read whole. */
#include "app/schema_files.h"

#include "codec/shipped.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SCHEMA = 1024 * 1024 };

const struct schema *schema_files_add(struct schemas *schemas, const char *path, int64_t id, struct err *e) {
    FILE *from = fopen(path, "rb");
    if (!from) {
        err_set(e, ERR_CONFIG, path, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    uint8_t *text = malloc(MAX_SCHEMA + 1);
    MUST(text != NULL);
    size_t n = fread(text, 1, MAX_SCHEMA + 1, from);
    fclose(from);
    const struct schema *schema = NULL;
    if (n > MAX_SCHEMA)
        err_set(e, ERR_CONFIG, path, "a schema may have 1 MiB");
    else
        schema = schemas_add(schemas, (struct bytes){text, n}, id, e);
    free(text);
    if (!schema && n <= MAX_SCHEMA) {
        snprintf(e->where, sizeof e->where, "%s", path);
        e->code = ERR_CONFIG;
    }
    return schema;
}

bool schema_files_shipped(struct schemas *schemas, struct err *e) {
    for (size_t i = 0; i < n_shipped; i++)
        if (!schemas_add(schemas, shipped[i].json, -1, e))
            return false;
    return true;
}
