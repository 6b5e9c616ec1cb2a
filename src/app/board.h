/* The live board of `demo`: what an observer of the output topics sees. In a terminal it is drawn over itself, else it
 * is plain lines. It is fed with the published JSON records, as any consumer would be. */
#ifndef LEADSTREAM_BOARD_H
#define LEADSTREAM_BOARD_H

#include <leadstream/arena.h>
#include <leadstream/model.h>
#include <stdio.h>

struct board;

/* lives: draw over itself with escape sequences; else plain lines. `leads`: the most that it has room for. */
struct board *board_new(const struct model *model, FILE *to, bool lives, size_t leads);
void board_free(struct board **board);

/* A published record (JSON) was seen. */
void board_record(struct board *board, struct bytes json);

/* Shows the board as it is: `now` is the simulated instant, `seconds` the real time since the start, `sent` the events
 * so far. Plain boards print a line at most every two seconds, and each sales-ready lead once. */
void board_show(struct board *board, int64_t now, double seconds, uint64_t sent);

/* What there was to see, for the end. */
void board_summary(struct board *board, int64_t now, double seconds, uint64_t sent);

#endif
