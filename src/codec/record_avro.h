/* Published records as Avro: written straight as bytes, in the order of schemas/ScoreChanged.avsc, SalesReady.avsc and
 * Erased.avsc. */
#ifndef LEADSTREAM_RECORD_AVRO_H
#define LEADSTREAM_RECORD_AVRO_H

#include <leadstream/score.h>

/* Appends the record's Avro body (no framing); the writer is not ok if it did not fit. */
void record_avro_write(struct writer *w, const struct model *model, const struct record *record);

/* The shipped schema's JSON text for a kind of record, compiled into the program; and its fingerprint. */
struct bytes record_avro_schema(enum record_kind kind);
uint64_t record_avro_fingerprint(enum record_kind kind);

#endif
