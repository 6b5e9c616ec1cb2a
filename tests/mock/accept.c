/* The mock cluster's sockets without Nagle's algorithm, which makes it wait 40 ms for every second answer: its accept()
 * finds this one. Linked into test programs only. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict n) {
    int one = 1, accepted = accept4(fd, address, n, 0);
    if (accepted >= 0)
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return accepted;
}
