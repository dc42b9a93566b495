/* The engine that every proxy is measured against, and the shadow: one process, one thread.
 *
 *     upstream PORT
 *
 * POST, any path: a fixed JSON completion; or, where the body says "stream":true, server-sent events of about 230 bytes.
 * Each event is a chunk of its own, written at once, and holds the time of its writing: t=<20 digits of nanoseconds>;
 * GET /control?name=value&...: sets delay_us (before an answer), chunks (of a stream), interval_us (between them; 0: one
 * at each turn of the loop), step (1: all streams send together, as an engine's steps do) and reset (1: counters
 * to 0); answers with the counters. Any other GET: an empty list of models, for health checks.
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

enum { BODY_KEPT = 4096, IN_SIZE = 65536, EVENTS = 256 };

/* Connections that wait for their moment. All wait equally long, so that the list is in order of time. */
struct conn;
struct queue {
    struct conn *first, *last;
};

struct conn {
    int socket;
    enum { READING, WAITING, ANSWERING } state;
    bool ends;  /* close when the answer has been written */
    bool gone;  /* the peer has closed its side */
    bool known; /* has brought a POST, and was counted */
    struct http_reader reader;
    char body[BODY_KEPT]; /* a request's beginning, where "stream" is looked for */
    size_t body_size;
    char in[IN_SIZE]; /* bytes read but not yet understood: pipelined requests wait here */
    size_t in_size;
    char *out; /* what the socket did not take */
    size_t out_size, out_at, out_room;
    int chunks_left;
    uint64_t due;
    struct queue *queue;
    struct conn *previous, *next;
};

static struct {
    uint64_t delay_ns, interval_ns;
    long chunks;
    bool step;
} how = {.chunks = 40};

static struct {
    unsigned long requests, answered, streams, chunks, connections;
} seen;

static unsigned long pending; /* requests that are neither answered in full nor given up by their clients */

static struct queue answers, streams;
static int epoll_fd, timer_fd;

static char completion[1024];
static size_t completion_size;

static const char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
                                  "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
static const char STREAM_END[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
static const char MODELS[] = "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\"}]}";

static void build_completion(void)
{
    char body[768];
    int size = snprintf(
        body, sizeof body,
        "{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion\",\"created\":1760000000,"
        "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\","
        "\"refusal\":null,\"tool_calls\":[]},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}],"
        "\"service_tier\":null,\"system_fingerprint\":null,\"usage\":{\"prompt_tokens\":57,\"total_tokens\":98,"
        "\"completion_tokens\":41,\"prompt_tokens_details\":null},\"prompt_logprobs\":null}",
        "The pressure in line four fell below its limit at nine, because the valve behind the second pump had been "
        "left half open by the shift of the night.");
    completion_size = (size_t)snprintf(
        completion, sizeof completion,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", size, body);
}

static void enqueue(struct queue *queue, struct conn *conn, uint64_t due)
{
    conn->due = due;
    conn->queue = queue;
    conn->previous = queue->last;
    conn->next = NULL;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = conn;
    queue->last = conn;
}

static void dequeue(struct conn *conn)
{
    if (conn->queue == NULL)
        return;
    *(conn->previous != NULL ? &conn->previous->next : &conn->queue->first) = conn->next;
    *(conn->next != NULL ? &conn->next->previous : &conn->queue->last) = conn->previous;
    conn->queue = NULL;
}

static void drop(struct conn *conn)
{
    pending -= conn->state != READING;
    dequeue(conn);
    close(conn->socket);
    free(conn->out);
    free(conn);
}

/* Write what waits. Returns -1 when the connection is broken. */
static int flush(struct conn *conn)
{
    while (conn->out_at < conn->out_size) {
        ssize_t sent = send(conn->socket, conn->out + conn->out_at, conn->out_size - conn->out_at, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        conn->out_at += (size_t)sent;
    }
    conn->out_at = conn->out_size = 0;
    return 0;
}

/* Write now what the socket takes and keep the rest, behind what was kept before. */
static int put(struct conn *conn, const char *bytes, size_t count)
{
    if (conn->out_size == 0) {
        ssize_t sent = send(conn->socket, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (sent > 0) {
            bytes += sent;
            count -= (size_t)sent;
        }
    }
    if (count == 0)
        return 0;
    if (conn->out_size + count > conn->out_room) {
        conn->out_room = 2 * (conn->out_size + count);
        conn->out = realloc(conn->out, conn->out_room);
        if (conn->out == NULL)
            die("realloc");
    }
    memcpy(conn->out + conn->out_size, bytes, count);
    conn->out_size += count;
    return flush(conn);
}

/* One event as a chunk, behind `start`; the last of a stream is followed by [DONE] and the end. */
static int put_event(struct conn *conn, const char *start)
{
    char event[512], text[1024];
    bool last = --conn->chunks_left == 0;
    int size = snprintf(
        event, sizeof event,
        "data: {\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":"
        "1760000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t=%020llu;\"},"
        "\"logprobs\":null,\"finish_reason\":%s}]}\n\n",
        (unsigned long long)now_ns(), last ? "\"stop\"" : "null");
    int total = snprintf(text, sizeof text, "%s%x\r\n%s\r\n%s", start, size, event, last ? STREAM_END : "");
    seen.chunks++;
    return put(conn, text, (size_t)total);
}

static void answered(struct conn *conn)
{
    seen.answered++;
    pending--;
    conn->state = READING;
}

/* The next event of a stream, and its place in the queue for the one after. */
static int stream_on(struct conn *conn, const char *start)
{
    if (put_event(conn, start) < 0)
        return -1;
    if (conn->chunks_left == 0) {
        answered(conn);
        return 0;
    }
    uint64_t due = now_ns() + how.interval_ns;
    if (how.step && how.interval_ns > 0)
        due -= due % how.interval_ns;
    enqueue(&streams, conn, due);
    return 0;
}

static int begin_answer(struct conn *conn)
{
    conn->state = ANSWERING;
    if (conn->chunks_left > 0)
        return stream_on(conn, STREAM_HEAD);
    int result = put(conn, completion, completion_size);
    answered(conn);
    return result;
}

static int put_json(struct conn *conn, const char *body)
{
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                        strlen(body), body);
    return put(conn, text, (size_t)size);
}

/* The number that follows `name=` in the request line, or `otherwise`. */
static long parameter(const char *head, const char *name, long otherwise)
{
    const char *end = strstr(head, "\r\n"), *found = strstr(head, name);
    return found != NULL && found < end ? atol(found + strlen(name)) : otherwise;
}

static int control(struct conn *conn)
{
    const char *head = conn->reader.head;
    how.delay_ns = (uint64_t)parameter(head, "delay_us=", (long)(how.delay_ns / 1000)) * 1000;
    how.interval_ns = (uint64_t)parameter(head, "interval_us=", (long)(how.interval_ns / 1000)) * 1000;
    how.chunks = parameter(head, "chunks=", how.chunks);
    how.step = parameter(head, "step=", how.step) != 0;
    if (how.chunks < 1)
        how.chunks = 1;
    if (parameter(head, "reset=", 0))
        memset(&seen, 0, sizeof seen);
    char body[256];
    snprintf(body, sizeof body,
             "{\"requests\":%lu,\"answered\":%lu,\"streams\":%lu,\"chunks\":%lu,\"connections\":%lu,"
             "\"pending\":%lu}",
             seen.requests, seen.answered, seen.streams, seen.chunks, seen.connections, pending);
    return put_json(conn, body);
}

/* A whole request has been read. */
static int respond(struct conn *conn)
{
    conn->ends = !conn->reader.keep_alive;
    if (strncmp(conn->reader.head, "GET /control", 12) == 0)
        return control(conn);
    if (strncmp(conn->reader.head, "POST ", 5) != 0)
        return put_json(conn, MODELS);
    bool stream = memmem(conn->body, conn->body_size, "\"stream\":true", 13) != NULL ||
                  memmem(conn->body, conn->body_size, "\"stream\": true", 14) != NULL;
    conn->chunks_left = stream ? (int)how.chunks : 0;
    seen.requests++;
    seen.connections += !conn->known;
    conn->known = true;
    seen.streams += stream;
    pending++;
    if (how.delay_ns == 0)
        return begin_answer(conn);
    conn->state = WAITING;
    enqueue(&answers, conn, now_ns() + how.delay_ns);
    return 0;
}

static void keep_body(void *context, const char *bytes, size_t count)
{
    struct conn *conn = context;
    size_t room = BODY_KEPT - conn->body_size;
    size_t kept = count < room ? count : room;
    memcpy(conn->body + conn->body_size, bytes, kept);
    conn->body_size += kept;
}

/* Understand what was read, one request after the other. Returns -1 when the connection is to be closed. */
static int understand(struct conn *conn)
{
    size_t at = 0;
    while (conn->state == READING && at < conn->in_size) {
        ssize_t taken = http_feed(&conn->reader, conn->in + at, conn->in_size - at, keep_body, conn);
        if (taken < 0)
            return -1;
        at += (size_t)taken;
        if (conn->reader.state == HTTP_DONE) {
            int result = respond(conn);
            http_start(&conn->reader, HTTP_REQUEST);
            conn->body_size = 0;
            if (result < 0)
                return -1;
        }
    }
    memmove(conn->in, conn->in + at, conn->in_size - at);
    conn->in_size -= at;
    return 0;
}

/* Read and answer until the socket is empty or an answer has to wait. Returns -1 when the connection is over. */
static int advance(struct conn *conn)
{
    if (flush(conn) < 0)
        return -1;
    while (conn->state == READING) {
        if (understand(conn) < 0 || (conn->ends && conn->state == READING && conn->out_size == 0))
            return -1;
        if (conn->state != READING)
            break;
        ssize_t count = recv(conn->socket, conn->in + conn->in_size, IN_SIZE - conn->in_size, 0);
        if (count == 0)
            return -1;
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        conn->in_size += (size_t)count;
    }
    return conn->gone ? -1 : 0;
}

static void take(int listener)
{
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *conn = calloc(1, sizeof *conn);
        if (conn == NULL)
            die("calloc");
        conn->socket = socket;
        http_start(&conn->reader, HTTP_REQUEST);
        send_at_once(socket);
        watch(epoll_fd, socket, conn);
    }
}

/* Serve those of a queue whose moment has come, each once. */
static void run_due(struct queue *queue)
{
    uint64_t now = now_ns();
    struct conn *last = queue->last; /* those that queue again come behind it */
    while (queue->first != NULL && queue->first->due <= now) {
        struct conn *conn = queue->first;
        dequeue(conn);
        int result = conn->state == WAITING ? begin_answer(conn) : stream_on(conn, "");
        if (result < 0 || (conn->state == READING && advance(conn) < 0))
            drop(conn);
        if (conn == last)
            break;
    }
}

static void set_timer(void)
{
    static uint64_t armed;
    uint64_t next = answers.first != NULL ? answers.first->due : 0;
    if (streams.first != NULL && (next == 0 || streams.first->due < next))
        next = streams.first->due;
    if (next != armed || how.interval_ns == 0)
        arm(timer_fd, next);
    armed = next;
}

static int listen_at(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = loopback(port);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
        die("listen");
    return listener;
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: upstream PORT\n");
        return 2;
    }
    raise_file_limit();
    build_completion();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    int listener = listen_at(atoi(arguments[1]));
    watch(epoll_fd, listener, &listener);
    timer_fd = make_timer(epoll_fd, &timer_fd);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listener) {
                take(listener);
            } else if (events[i].data.ptr == &timer_fd) {
                clear_timer(timer_fd);
            } else {
                struct conn *conn = events[i].data.ptr;
                conn->gone = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
                if (advance(conn) < 0)
                    drop(conn);
            }
        }
        run_due(&answers);
        run_due(&streams);
        set_timer();
    }
}
