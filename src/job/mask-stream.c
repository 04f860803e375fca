#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "job/mask-internal.h"

#define MASK_NEWLINES_HELD_MAX (64U * 1024) /* within one secret; a text folded more often than that is none */
#define MASK_HELD_BYTES_MAX (1U << 30)      /* never reached: one chunk, MASK_DEPTH_MAX and MASK_NEWLINES_HELD_MAX */

/* In pattern bytes (newlines not counted) since the root was left. */
typedef struct Interval {
        size_t from, to;
} Interval;

struct MaskStream {
        const Mask *mask;
        uint32_t state;
        Str held;          /* read but not written: may still become part of a secret */
        size_t n_read;    /* pattern bytes since the root was left */
        size_t n_written; /* how many of them are written already */
        Interval *intervals; /* what is known to be secret, in order and apart from each other */
        size_t n_intervals;
        bool is_masked; /* what was written last is MASK_TEXT: what follows at once belongs to it */
};

int mask_stream_new(const Mask *mask, MaskStream **ret) {
        MaskStream *stream = malloc(sizeof(*stream));

        if (!stream)
                return -ENOMEM;
        *stream = (MaskStream) { .mask = mask, .held = STR_INIT(MASK_HELD_BYTES_MAX) };
        *ret = stream;
        return 0;
}

MaskStream *mask_stream_free(MaskStream *stream) {
        if (!stream)
                return NULL;
        if (stream->held.bytes)
                explicit_bzero(stream->held.bytes, stream->held.allocated);
        str_done(&stream->held);
        free(stream->intervals);
        free(stream);
        return NULL;
}

/* A pattern of n bytes ended just now; what it overlaps or touches becomes one with it. */
static int add_interval(MaskStream *stream, size_t n) {
        Interval interval = { stream->n_read - n, stream->n_read };

        while (stream->n_intervals > 0 && stream->intervals[stream->n_intervals - 1].to >= interval.from) {
                interval.from = MIN(interval.from, stream->intervals[stream->n_intervals - 1].from);
                stream->n_intervals--;
        }
        return ARRAY_APPEND(stream->intervals, stream->n_intervals, interval);
}

static int write_plain(MaskStream *stream, const char *bytes, size_t n, Str *out) {
        if (n == 0)
                return 0;
        stream->is_masked = false;
        return str_append_n(out, bytes, n);
}

static inline bool is_newline(char c) {
        return c == '\n' || c == '\r';
}

/* Up to and without the pattern byte number @until, and the newlines there. Returns how many bytes were used. */
static ssize_t write_plain_until(MaskStream *stream, const char *bytes, size_t n, size_t until, Str *out) {
        size_t i;
        int r;

        for (i = 0; i < n; i++)
                if (!is_newline(bytes[i])) {
                        if (stream->n_written == until)
                                break;
                        stream->n_written++;
                }
        r = write_plain(stream, bytes, i, out);
        return r < 0 ? r : (ssize_t) i;
}

/* The same within a secret: MASK_TEXT once a line. */
static ssize_t write_masked_until(MaskStream *stream, const char *bytes, size_t n, size_t until, Str *out) {
        size_t i;
        int r = 0;

        for (i = 0; i < n && r >= 0; i++) {
                if (is_newline(bytes[i])) {
                        r = write_plain(stream, &bytes[i], 1, out);
                        continue;
                }
                if (stream->n_written == until)
                        break;
                if (!stream->is_masked)
                        r = str_append(out, MASK_TEXT);
                stream->is_masked = true;
                stream->n_written++;
        }
        return r < 0 ? r : (ssize_t) i;
}

/*
 * Writes what lies before the pattern byte number @until. @interval: the first that may reach that far; moved on.
 * Returns how many bytes were used, or -ENOMEM, -E2BIG.
 */
static ssize_t write_certain(MaskStream *stream, const char *bytes, size_t n, size_t until, size_t *interval,
                             Str *out) {
        size_t used = 0;

        for (;;) {
                const Interval *next;
                ssize_t r;

                while (*interval < stream->n_intervals && stream->intervals[*interval].to <= stream->n_written)
                        (*interval)++;
                next = *interval < stream->n_intervals ? &stream->intervals[*interval] : NULL;
                if (next && next->from <= stream->n_written)
                        r = write_masked_until(stream, bytes + used, n - used, MIN(next->to, until), out);
                else
                        r = write_plain_until(stream, bytes + used, n - used, next ? MIN(next->from, until) : until,
                                              out);
                if (r < 0)
                        return r;
                used += (size_t) r;
                if (used == n || stream->n_written == until)
                        return (ssize_t) used;
        }
}

/*
 * Writes what is certain of what is held and of the bytes that came after it: all but the last @n_open; holds the rest.
 */
static int settle(MaskStream *stream, const char *bytes, size_t n, size_t n_open, Str *out) {
        size_t until = MAX(stream->n_read - n_open, stream->n_written), interval = 0;
        ssize_t used;

        used = write_certain(stream, str_get(&stream->held), stream->held.n, until, &interval, out);
        if (used < 0)
                return (int) used;
        str_drop_front(&stream->held, (size_t) used);
        if (stream->held.n == 0) {
                used = write_certain(stream, bytes, n, until, &interval, out);
                if (used < 0)
                        return (int) used;
                bytes += used;
                n -= (size_t) used;
        }
        stream->n_intervals -= MIN(interval, stream->n_intervals);
        if (stream->n_intervals > 0)
                memmove(stream->intervals, stream->intervals + interval,
                        stream->n_intervals * sizeof(*stream->intervals));
        return str_append_n(&stream->held, bytes, n);
}

/* Nothing is open any more: the stream is at the root, with nothing to remember. */
static void reset(MaskStream *stream) {
        str_clear(&stream->held);
        stream->state = 0;
        stream->n_read = stream->n_written = stream->n_intervals = 0;
}

/*
 * Reads from @from on, which leaves the root, until the root is reached again or the bytes end; returns where that is.
 */
static ssize_t read_until_root(MaskStream *stream, const char *bytes, size_t from, size_t n) {
        const Mask *mask = stream->mask;
        uint32_t state = stream->state;
        size_t i;

        for (i = from; i < n; i++) {
                if (is_newline(bytes[i]))
                        continue;
                state = mask_advance(mask, state, (unsigned char) bytes[i]);
                stream->n_read++;
                if (mask->states[state].match > 0 && add_interval(stream, mask->states[state].match) < 0)
                        return -ENOMEM;
                if (state == 0) {
                        i++;
                        break;
                }
        }
        stream->state = state;
        return (ssize_t) i;
}

/* The end of what read_until_root() read: writes what it can of it. */
static int settle_read(MaskStream *stream, const char *bytes, size_t n, Str *out) {
        size_t n_open = stream->mask->states[stream->state].depth;
        int r;

        r = settle(stream, bytes, n, n_open, out);
        if (r >= 0 && stream->held.n > n_open + MASK_NEWLINES_HELD_MAX) {
                r = settle(stream, NULL, 0, 0, out);
                stream->state = 0;
        }
        if (stream->state == 0)
                reset(stream);
        return r;
}

/* The next byte that may begin a pattern; n if there is none. */
static size_t find_start(const Mask *mask, const char *bytes, size_t i, size_t n) {
        const unsigned char *s = (const unsigned char *) bytes;

        for (; i + 1 < n; i++)
                if (mask->pairs[s[i]][s[i + 1] >> 3] >> (s[i + 1] & 7) & 1)
                        return i;
        return i < n && !mask->leaves_root[s[i]] ? n : i;
}

int mask_stream_feed(MaskStream *stream, const char *bytes, size_t n, Str *out) {
        const Mask *mask = stream->mask;
        size_t written = 0, i = 0;
        int r;

        if (mask->n_states == 1)
                return str_append_n(out, bytes, n);
        while (i < n) {
                size_t from;
                ssize_t to;

                if (stream->state == 0)
                        i = find_start(mask, bytes, i, n);
                if (i == n)
                        break;
                from = i;
                to = read_until_root(stream, bytes, from, n);
                if (to < 0)
                        return (int) to;
                i = (size_t) to;
                if (stream->state == 0 && stream->n_intervals == 0 && stream->held.n == 0) {
                        reset(stream); /* nothing secret: goes on as one piece with what was before */
                        continue;
                }
                r = write_plain(stream, bytes + written, from - written, out);
                if (r >= 0)
                        r = settle_read(stream, bytes + from, i - from, out);
                if (r < 0)
                        return r;
                written = i;
        }
        return write_plain(stream, bytes + written, i - written, out);
}

int mask_stream_release(MaskStream *stream, Str *out) {
        if (stream->state == 0 || stream->mask->states[stream->state].depth >= MASK_SECRET_BYTES_MIN)
                return 0;
        return settle(stream, NULL, 0, 0, out);
}

int mask_stream_end(MaskStream *stream, Str *out) {
        int r;

        r = settle(stream, NULL, 0, 0, out);
        reset(stream);
        stream->is_masked = false;
        return r;
}

char *mask_text(const Mask *mask, const char *text) {
        _cleanup_(mask_stream_freep) MaskStream *stream = NULL;
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        if (mask_stream_new(mask, &stream) < 0 || mask_stream_feed(stream, text, strlen(text), &out) < 0 ||
            mask_stream_end(stream, &out) < 0)
                return NULL;
        return str_take(&out);
}
