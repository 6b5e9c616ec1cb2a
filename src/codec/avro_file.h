/* Avro container files (.avro), record by record: what `score` reads beside JSON lines.
 *
 * Read by our own hand: magic, metadata, blocks of records with the codecs null and deflate. Total: any bytes give
 * records, or say what is wrong with them, in bounded memory. A record is handed over as bytes with the file's schema,
 * for a decoder of format DECODER_AVRO_BARE. */
#ifndef LEADSTREAM_AVRO_FILE_H
#define LEADSTREAM_AVRO_FILE_H

#include "codec/schema.h"
#include <stdio.h>

enum {
    AVRO_FILE_MAX_META = 2 * 1024 * 1024,  /* bytes of metadata, the schema among them */
    AVRO_FILE_MAX_BLOCK = 64 * 1024 * 1024 /* bytes of a block, packed and unpacked */
};

enum avro_file_status {
    AVRO_FILE_RECORD,
    AVRO_FILE_BAD,      /* *e, a REJECT: something was passed over; go on with the next */
    AVRO_FILE_END,
    AVRO_FILE_FAILED    /* *e: the file cannot be read any further */
};

struct avro_file;

/* True where the first bytes of a file (4 are enough) are those of a container file. */
bool avro_file_is(struct bytes head);

/* Takes `from`, reads its head, and adds its schema to the set. NULL (`from` is closed): *e says why. `name` is for
 * messages and must outlive the file. */
struct avro_file *avro_file_new(FILE *from, const char *name, struct schemas *schemas, struct err *e);
/* The same of a path. */
struct avro_file *avro_file_open(const char *path, struct schemas *schemas, struct err *e);
void avro_file_free(struct avro_file **file);

const struct schema *avro_file_schema(const struct avro_file *file);
/* Bytes read so far. */
uint64_t avro_file_read(const struct avro_file *file);

/* The next record, lent until the next call. Its number in the file, from 1, counts what was passed over too. */
enum avro_file_status avro_file_next(struct avro_file *file, struct bytes *record, uint64_t *number, struct err *e);

#endif
