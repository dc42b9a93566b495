#include "samples.h"

#include <stdlib.h>

#include "edge.h"

void add_sample(struct samples *samples, int64_t ns)
{
    if (samples->count == samples->room) {
        samples->room = samples->room > 0 ? 2 * samples->room : 4096;
        samples->ns = realloc(samples->ns, samples->room * sizeof *samples->ns);
        if (samples->ns == NULL)
            die("realloc");
    }
    samples->ns[samples->count++] = ns;
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void print_samples(FILE *out, const char *name, struct samples *samples)
{
    static const int percents[] = {10, 50, 90, 99};
    fprintf(out, "\"%s\":{\"n\":%zu", name, samples->count);
    if (samples->count > 0) {
        qsort(samples->ns, samples->count, sizeof *samples->ns, by_size);
        for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
            size_t rank = (samples->count - 1) * (size_t)percents[i] / 100;
            fprintf(out, ",\"p%d\":%.1f", percents[i], (double)samples->ns[rank] / 1000);
        }
    }
    fputc('}', out);
}
