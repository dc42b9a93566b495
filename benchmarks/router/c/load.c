/* The load on a proxy, or on several targets in turn: one process, one thread.
 *
 *     load closed CONNECTIONS SECONDS TOKEN [stream] PORT...   each connection asks again when it has its answer
 *     load open   RATE        SECONDS TOKEN [stream] PORT...   RATE requests a second, to the ports in turn
 *
 * In the open loop a request's time begins when it was due, not when it could be sent: a slow target cannot hide by
 * slowing the load down. The last answers are waited for. Prints one JSON object for each port, in an array.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge.h"
#include "http.h"
#include "samples.h"

enum { TARGETS = 4, EVENTS = 256, MOST_OPEN = 4000, GRACE_S = 15, STAMP_DIGITS = 20 };

struct target {
    int port;
    char request[2048];
    size_t request_size;
    unsigned long sent, answered, errors, pieces;
    int connections;
    struct conn *idle;
    struct samples latency, first, chunk;
};

struct conn {
    struct target *target;
    int socket;
    bool busy;
    struct http_reader reader;
    size_t out_at;      /* of the request */
    uint64_t began;     /* when the request was due */
    uint64_t read_at;   /* when the bytes being looked at were read */
    int matched;        /* how much of "t=<digits>;" the last bytes were */
    uint64_t stamp;     /* the digits so far */
    unsigned long chunks; /* of this answer */
    struct conn *next;  /* idle, or free */
};

static struct target targets[TARGETS];
static int target_count;
static int epoll_fd;
static bool open_loop, streaming, over;
static unsigned long busy;
static struct conn *retired; /* closed; freed only after all events of a turn have been looked at */

static void ask(struct target *target, struct conn *conn, uint64_t due);

static void build_request(struct target *target, const char *token)
{
    char body[1024];
    int size = snprintf(
        body, sizeof body,
        "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":\"You answer questions of operators in two "
        "sentences.\"},{\"role\":\"user\",\"content\":\"Why did the pressure in line four fall this morning, and what "
        "should the next shift look at first?\"}],\"temperature\":0.2,\"max_tokens\":256,\"user\":\"operator-17\","
        "\"stream\":%s}",
        streaming ? "true" : "false");
    target->request_size = (size_t)snprintf(
        target->request, sizeof target->request,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %s\r\n"
        "content-type: application/json\r\naccept: */*\r\nuser-agent: load/1\r\ncontent-length: %d\r\n\r\n%s",
        target->port, token, size, body);
}

static struct conn *connect_to(struct target *target)
{
    if (target->connections == MOST_OPEN)
        return NULL;
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        die("calloc");
    conn->target = target;
    conn->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->socket < 0)
        die("socket");
    send_at_once(conn->socket);
    struct sockaddr_in address = loopback(target->port);
    if (connect(conn->socket, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        die("connect");
    watch(epoll_fd, conn->socket, conn);
    target->connections++;
    return conn;
}

static void retire(struct conn *conn)
{
    if (!conn->busy)
        for (struct conn **place = &conn->target->idle; *place != NULL; place = &(*place)->next)
            if (*place == conn) {
                *place = conn->next;
                break;
            }
    busy -= conn->busy;
    close(conn->socket);
    conn->socket = -1;
    conn->target->connections--;
    conn->next = retired;
    retired = conn;
}

static void free_retired(void)
{
    while (retired != NULL) {
        struct conn *conn = retired;
        retired = conn->next;
        free(conn);
    }
}

/* The request came to nothing. In the closed loop another connection takes this one's place. */
static void fail(struct conn *conn)
{
    struct target *target = conn->target;
    target->errors++;
    retire(conn);
    if (!open_loop && !over)
        ask(target, NULL, now_ns());
}

/* A chunk's time of writing stands in the bytes; nothing else looks like it. */
static void find_stamps(void *context, const char *bytes, size_t count)
{
    struct conn *conn = context;
    if (!streaming)
        return;
    unsigned long before = conn->chunks;
    for (size_t i = 0; i < count; i++) {
        char byte = bytes[i];
        if (conn->matched >= 2 && conn->matched < 2 + STAMP_DIGITS && byte >= '0' && byte <= '9') {
            conn->stamp = conn->stamp * 10 + (uint64_t)(byte - '0');
            conn->matched++;
        } else if (conn->matched == 2 + STAMP_DIGITS && byte == ';') {
            add_sample(&conn->target->chunk, (int64_t)(conn->read_at - conn->stamp));
            if (conn->chunks++ == 0)
                add_sample(&conn->target->first, (int64_t)(conn->read_at - conn->began));
            conn->matched = 0;
        } else if (conn->matched == 1 && byte == '=') {
            conn->matched = 2;
            conn->stamp = 0;
        } else {
            conn->matched = byte == 't';
        }
    }
    conn->target->pieces += conn->chunks > before;
}

/* A whole answer is there. */
static void finish(struct conn *conn)
{
    struct target *target = conn->target;
    bool good = conn->reader.status == 200 && (!streaming || conn->chunks > 0);
    target->answered += good;
    target->errors += !good;
    if (good)
        add_sample(&target->latency, (int64_t)(now_ns() - conn->began));
    conn->busy = false;
    busy--;
    bool reusable = conn->reader.keep_alive && conn->out_at == target->request_size;
    if (!reusable)
        retire(conn);
    if (!open_loop && !over)
        ask(target, reusable ? conn : NULL, now_ns());
    else if (reusable) {
        conn->next = target->idle;
        target->idle = conn;
    }
}

/* Send what the socket takes of the request. A socket that is still connecting takes nothing yet. */
static int push(struct conn *conn)
{
    struct target *target = conn->target;
    while (conn->out_at < target->request_size) {
        ssize_t sent =
            send(conn->socket, target->request + conn->out_at, target->request_size - conn->out_at, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -1;
        conn->out_at += (size_t)sent;
    }
    return 0;
}

/* Send a request, due at `due`, on this connection or on a new one. */
static void ask(struct target *target, struct conn *conn, uint64_t due)
{
    target->sent++;
    if (conn == NULL && (conn = connect_to(target)) == NULL) {
        target->errors++;
        return;
    }
    conn->busy = true;
    busy++;
    conn->began = due;
    conn->out_at = 0;
    conn->chunks = 0;
    conn->matched = 0;
    http_start(&conn->reader, HTTP_RESPONSE);
    /* A connection that broke shows itself as an event; failing here would recurse while nothing listens. */
    (void)push(conn);
}

/* What one read brought. Returns -1 when the connection is of no more use. */
static int look_at(struct conn *conn, const char *bytes, size_t count)
{
    if (!conn->busy)
        return -1; /* an answer to nothing */
    ssize_t taken = http_feed(&conn->reader, bytes, count, find_stamps, conn);
    if (taken < 0)
        return -1;
    if (conn->reader.state == HTTP_DONE) {
        if ((size_t)taken < count)
            return -1; /* more than was asked for */
        finish(conn);
    }
    return 0;
}

static void advance(struct conn *conn)
{
    static char in[262144];
    if (conn->socket >= 0 && conn->busy && push(conn) < 0) {
        fail(conn);
        return;
    }
    while (conn->socket >= 0) {
        ssize_t count = recv(conn->socket, in, sizeof in, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
            return;
        conn->read_at = now_ns();
        if (count > 0 && look_at(conn, in, (size_t)count) == 0)
            continue;
        if (count == 0 && conn->busy && http_ended_by_close(&conn->reader))
            finish(conn);
        else if (conn->busy)
            fail(conn);
        else
            retire(conn);
        return;
    }
}

/* Send what has become due before the end, late or not. Returns when the next is due. */
static uint64_t ask_due(uint64_t next, uint64_t period, uint64_t end)
{
    static unsigned long turn;
    for (; next < end && next <= now_ns(); next += period) {
        struct target *target = &targets[turn++ % (unsigned long)target_count];
        struct conn *conn = target->idle;
        if (conn != NULL)
            target->idle = conn->next;
        ask(target, conn, next);
    }
    return next;
}

static void run(double amount, double seconds)
{
    int timer_tag, timer = make_timer(epoll_fd, &timer_tag);
    uint64_t began = now_ns(), end = began + (uint64_t)(seconds * 1e9), next = end;
    uint64_t period = open_loop ? (uint64_t)(1e9 / amount) : 0;
    if (open_loop)
        next = ask_due(began, period, end);
    else
        for (int i = 0; i < (int)amount; i++)
            ask(&targets[i % target_count], NULL, now_ns());
    arm(timer, next < end ? next : end);
    while (!over || busy > 0) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll_fd, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr != &timer_tag)
                advance(events[i].data.ptr);
        }
        free_retired();
        uint64_t now = now_ns();
        if (open_loop && next < end && now >= next) {
            next = ask_due(next, period, end);
            clear_timer(timer);
            arm(timer, next < end ? next : end);
        }
        over = now >= end;
        if (now >= end + GRACE_S * 1000000000ull)
            break;
    }
}

static void report(double seconds)
{
    for (int i = 0; i < target_count; i++) {
        struct target *target = &targets[i];
        unsigned long silent = target->sent - target->answered - target->errors;
        printf("%c{\"port\":%d,\"seconds\":%.3f,\"sent\":%lu,\"answered\":%lu,\"errors\":%lu,\"pieces\":%lu,",
               i == 0 ? '[' : ',', target->port, seconds, target->sent, target->answered, target->errors + silent,
               target->pieces);
        print_samples(stdout, "latency", &target->latency);
        putchar(',');
        print_samples(stdout, "first", &target->first);
        putchar(',');
        print_samples(stdout, "chunk", &target->chunk);
        putchar('}');
    }
    puts("]");
}

int main(int count, char **arguments)
{
    int at = 5;
    if (count > at && strcmp(arguments[at], "stream") == 0) {
        streaming = true;
        at++;
    }
    open_loop = count > 1 && strcmp(arguments[1], "open") == 0;
    if (count <= at || count - at > TARGETS || (!open_loop && strcmp(arguments[1], "closed") != 0)) {
        fprintf(stderr, "usage: load closed|open CONNECTIONS|RATE SECONDS TOKEN [stream] PORT...\n");
        return 2;
    }
    raise_file_limit();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    target_count = count - at;
    for (int i = 0; i < target_count; i++) {
        targets[i].port = atoi(arguments[at + i]);
        build_request(&targets[i], arguments[4]);
    }
    uint64_t began = now_ns();
    run(atof(arguments[2]), atof(arguments[3]));
    report((double)(now_ns() - began) / 1e9);
    return 0;
}
