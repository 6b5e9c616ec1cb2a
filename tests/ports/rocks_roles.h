/* The parts that a test program plays as another process: test_rocks_disk is run again with a role and a store.path. */
#ifndef LEADSTREAM_TESTS_ROCKS_ROLES_H
#define LEADSTREAM_TESTS_ROCKS_ROLES_H

/* Plays the role; the exit code, 0 if all went as it should. */
int rocks_roles_play(const char *role, const char *path);

#endif
