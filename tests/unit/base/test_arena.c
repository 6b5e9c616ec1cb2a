/* An arena gives what was asked for or NULL, never past its limit, and the same memory again after a reset. */
#include "support/suite.h"

#include <leadstream/arena.h>

#define KIB ((size_t)1024)

START_TEST(pieces_do_not_overlap_and_are_aligned) {
    struct arena *arena = arena_new(KIB * KIB);
    uint8_t *pieces[1000];
    for (int i = 0; i < 1000; i++) {
        size_t n = (size_t)i % 77;
        pieces[i] = arena_take(arena, n);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], i & 0xff, n);
    }
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < i % 77; k++)
            ck_assert_uint_eq(pieces[i][k], i & 0xff);
    arena_free(&arena);
    ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(past_the_limit_there_is_nothing) {
    struct arena *arena = arena_new(100 * KIB);
    ck_assert_ptr_nonnull(arena_take(arena, 60 * KIB));
    ck_assert_ptr_null(arena_take(arena, 50 * KIB));
    ck_assert_ptr_null(arena_take(arena, SIZE_MAX));
    ck_assert_ptr_nonnull(arena_take(arena, 30 * KIB));
    ck_assert_uint_le(arena_used(arena), 100 * KIB);
    arena_free(&arena);
}
END_TEST

/* Blocks of 64 KiB, 128 KiB and, for the limit's sake, 16 bytes. */
START_TEST(a_refusal_changes_nothing) {
    struct arena *arena = arena_new(192 * KIB + 16);
    ck_assert_ptr_nonnull(arena_take(arena, 64 * KIB));
    ck_assert_ptr_nonnull(arena_take(arena, 128 * KIB));
    uint8_t *last = arena_take(arena, 16);
    ck_assert_ptr_nonnull(last);
    arena_reset(arena);
    ck_assert_ptr_nonnull(arena_take(arena, 64 * KIB));
    ck_assert_ptr_nonnull(arena_take(arena, 128 * KIB));
    size_t used = arena_used(arena);
    ck_assert_ptr_null(arena_take(arena, 32));
    ck_assert_uint_eq(arena_used(arena), used);
    ck_assert_ptr_eq(arena_take(arena, 16), last);
    ck_assert_ptr_null(arena_take(arena, 1));
    arena_free(&arena);
}
END_TEST

START_TEST(a_refusal_leaves_the_room_that_there_is) {
    struct arena *arena = arena_new(192 * KIB);
    ck_assert_ptr_nonnull(arena_take(arena, 64 * KIB));
    ck_assert_ptr_nonnull(arena_take(arena, 16));
    arena_reset(arena);
    uint8_t *first = arena_take(arena, 16);
    ck_assert_ptr_null(arena_take(arena, 129 * KIB));
    ck_assert_ptr_eq(arena_take(arena, 16), first + 16);
    arena_free(&arena);
}
END_TEST

START_TEST(a_mark_gives_back_what_came_after) {
    struct arena *arena = arena_new(KIB * KIB);
    ck_assert_ptr_nonnull(arena_take(arena, 100));
    struct arena_mark mark = arena_mark(arena);
    size_t used = arena_used(arena);
    uint8_t *after = arena_take(arena, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(arena_take(arena, 5 * KIB));
    arena_rewind(arena, mark);
    ck_assert_uint_eq(arena_used(arena), used);
    ck_assert_ptr_eq(arena_take(arena, 100), after);
    arena_free(&arena);
}
END_TEST

START_TEST(a_reset_arena_gives_the_same_memory) {
    struct arena *arena = arena_new(KIB * KIB);
    uint8_t *first[100];
    for (int i = 0; i < 100; i++)
        first[i] = arena_take(arena, 3 * KIB);
    arena_reset(arena);
    ck_assert_uint_eq(arena_used(arena), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_eq(arena_take(arena, 3 * KIB), first[i]);
    arena_free(&arena);
}
END_TEST

START_TEST(a_copy_is_one) {
    struct arena *arena = arena_new(KIB * KIB);
    const char *copy = arena_copy(arena, "lead", 5);
    ck_assert_str_eq(copy, "lead");
    ck_assert_ptr_nonnull(arena_copy(arena, NULL, 0));
    arena_free(&arena);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, pieces_do_not_overlap_and_are_aligned);
    tcase_add_test(all, past_the_limit_there_is_nothing);
    tcase_add_test(all, a_refusal_changes_nothing);
    tcase_add_test(all, a_refusal_leaves_the_room_that_there_is);
    tcase_add_test(all, a_mark_gives_back_what_came_after);
    tcase_add_test(all, a_reset_arena_gives_the_same_memory);
    tcase_add_test(all, a_copy_is_one);
}

SUITE_MAIN("arena", add)
