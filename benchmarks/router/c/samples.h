/* Durations, collected one by one and summed up as percentiles. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct samples {
    int64_t *ns;
    size_t count, room;
};

void add_sample(struct samples *samples, int64_t ns);

/* Print `"name":{"n":...,"p10":...,"p50":...,"p90":...,"p99":...}`, in microseconds; sorts. Without any: only n. */
void print_samples(FILE *out, const char *name, struct samples *samples);

#endif
