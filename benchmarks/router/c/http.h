/* An incremental reader of HTTP/1.1 messages: a head, then a body by length, in chunks or until the peer closes. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HTTP_HEAD_MAX = 8192 };

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

enum http_state {
    HTTP_HEAD,
    HTTP_LENGTH,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_UNTIL_CLOSE,
    HTTP_DONE
};

struct http_reader {
    enum http_kind kind;
    enum http_state state;
    bool keep_alive;
    int status;               /* of a response */
    unsigned long long left;  /* bytes of the body, or of the chunk, that are still to come */
    size_t line;              /* bytes of the present chunk-size or trailer line so far */
    size_t head_size;
    char head[HTTP_HEAD_MAX + 1];
};

typedef void http_body(void *context, const char *bytes, size_t count);

/* Make ready for the next message. */
void http_start(struct http_reader *reader, enum http_kind kind);

/* Take bytes up to the message's end, the body's through `body`. Returns how many were taken; -1: this is no HTTP. */
ssize_t http_feed(struct http_reader *reader, const char *bytes, size_t count, http_body *body, void *context);

/* The connection ended: whether that was this message's proper end. */
bool http_ended_by_close(struct http_reader *reader);

#endif
