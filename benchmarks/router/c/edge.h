/* What both programs need of the system: sockets that do not block, one epoll, one timer, one clock. */
#ifndef EDGE_H
#define EDGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC, in nanoseconds: the same clock in every process of a machine. */
uint64_t now_ns(void);

/* Print what failed, with the system's reason, and exit 1. */
void die(const char *what) __attribute__((noreturn));

/* As many open files as the system lets us have. */
void raise_file_limit(void);

/* Report edges (readable, writable, peer gone) of `descriptor` with `tag`. */
void watch(int epoll, int descriptor, void *tag);

/* A watched timer, and when it fires next; 0 stops it. */
int make_timer(int epoll, void *tag);
void arm(int timer, uint64_t at_ns);
void clear_timer(int timer);

/* 127.0.0.1 at this port. */
struct sockaddr_in loopback(int port);

/* Small messages leave at once. */
void send_at_once(int socket);

#endif
