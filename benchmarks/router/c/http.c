#define _GNU_SOURCE
#include "http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 1024 };

void http_start(struct http_reader *reader, enum http_kind kind)
{
    reader->kind = kind;
    reader->state = HTTP_HEAD;
    reader->keep_alive = true;
    reader->status = 0;
    reader->left = 0;
    reader->line = 0;
    reader->head_size = 0;
}

/* The value of a header, or NULL. `head` ends with a NUL; the value ends at its line's end. */
static const char *header(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            while (*value == ' ' || *value == '\t')
                value++;
            return value;
        }
    }
    return NULL;
}

static bool starts(const char *value, const char *word)
{
    return value != NULL && strncasecmp(value, word, strlen(word)) == 0;
}

/* Decide from a whole head how the body ends. */
static int read_head(struct http_reader *reader)
{
    const char *head = reader->head;
    if (reader->kind == HTTP_RESPONSE) {
        if (strncmp(head, "HTTP/1.", 7) != 0)
            return -1;
        reader->keep_alive = head[7] == '1';
        reader->status = atoi(head + 8);
        if (reader->status < 100)
            return -1;
        if (reader->status < 200) { /* an interim answer: the real one follows */
            reader->head_size = 0;
            return 0;
        }
    }
    if (starts(header(head, "connection"), "close"))
        reader->keep_alive = false;
    const char *length = header(head, "content-length");
    if (starts(header(head, "transfer-encoding"), "chunked")) {
        reader->state = HTTP_CHUNK_SIZE;
    } else if (length != NULL) {
        if (!isdigit((unsigned char)*length))
            return -1;
        reader->left = strtoull(length, NULL, 10);
        reader->state = reader->left > 0 ? HTTP_LENGTH : HTTP_DONE;
    } else if (reader->kind == HTTP_RESPONSE && reader->status != 204 && reader->status != 304) {
        reader->keep_alive = false;
        reader->state = HTTP_UNTIL_CLOSE;
    } else {
        reader->state = HTTP_DONE;
    }
    return 0;
}

/* Collect the head; what follows its blank line is left to the caller. */
static ssize_t feed_head(struct http_reader *reader, const char *bytes, size_t count)
{
    size_t before = reader->head_size;
    size_t room = HTTP_HEAD_MAX - before;
    size_t taken = count < room ? count : room;
    memcpy(reader->head + before, bytes, taken);
    size_t size = before + taken;
    size_t from = before > 3 ? before - 3 : 0;
    const char *end = memmem(reader->head + from, size - from, "\r\n\r\n", 4);
    if (end == NULL) {
        reader->head_size = size;
        return size == HTTP_HEAD_MAX ? -1 : (ssize_t)taken;
    }
    reader->head_size = (size_t)(end + 4 - reader->head);
    reader->head[reader->head_size] = '\0';
    taken = reader->head_size - before;
    return read_head(reader) < 0 ? -1 : (ssize_t)taken;
}

/* One byte of a chunk's size line: hexadecimal digits, then anything up to the line's end. */
static int feed_size(struct http_reader *reader, char byte)
{
    if (byte == '\n') {
        if (reader->line == 0)
            return -1;
        reader->line = 0;
        reader->state = reader->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
        return 0;
    }
    if (reader->line == 0)
        reader->left = 0;
    if (isxdigit((unsigned char)byte) && reader->line < 16) {
        int digit = isdigit((unsigned char)byte) ? byte - '0' : tolower((unsigned char)byte) - 'a' + 10;
        reader->left = reader->left * 16 + (unsigned long long)digit;
        reader->line++;
        return 0;
    }
    if (reader->line == 0)
        return -1;
    reader->line = reader->line < 16 ? 16 : reader->line + 1; /* no digit counts any more */
    return reader->line > LINE_MAX_BYTES ? -1 : 0;
}

/* One byte of the trailer, which ends with an empty line. */
static int feed_trailer(struct http_reader *reader, char byte)
{
    if (byte == '\n') {
        if (reader->line == 0)
            reader->state = HTTP_DONE;
        reader->line = 0;
    } else if (byte != '\r') {
        reader->line++;
    }
    return reader->line > LINE_MAX_BYTES ? -1 : 0;
}

static size_t feed_body(struct http_reader *reader, const char *bytes, size_t count, http_body *body, void *context)
{
    size_t taken = count;
    if (reader->state != HTTP_UNTIL_CLOSE) {
        if (taken > reader->left)
            taken = (size_t)reader->left;
        reader->left -= taken;
        if (reader->left == 0)
            reader->state = reader->state == HTTP_LENGTH ? HTTP_DONE : HTTP_CHUNK_END;
    }
    body(context, bytes, taken);
    return taken;
}

ssize_t http_feed(struct http_reader *reader, const char *bytes, size_t count, http_body *body, void *context)
{
    size_t at = 0;
    while (at < count && reader->state != HTTP_DONE) {
        ssize_t step = 1;
        switch (reader->state) {
        case HTTP_HEAD:
            step = feed_head(reader, bytes + at, count - at);
            break;
        case HTTP_CHUNK_SIZE:
            if (feed_size(reader, bytes[at]) < 0)
                step = -1;
            break;
        case HTTP_CHUNK_END:
            if (bytes[at] == '\n')
                reader->state = HTTP_CHUNK_SIZE;
            else if (bytes[at] != '\r')
                step = -1;
            break;
        case HTTP_TRAILER:
            if (feed_trailer(reader, bytes[at]) < 0)
                step = -1;
            break;
        default:
            step = (ssize_t)feed_body(reader, bytes + at, count - at, body, context);
        }
        if (step < 0)
            return -1;
        at += (size_t)step;
    }
    return (ssize_t)at;
}

bool http_ended_by_close(struct http_reader *reader)
{
    if (reader->state != HTTP_UNTIL_CLOSE)
        return false;
    reader->state = HTTP_DONE;
    return true;
}
