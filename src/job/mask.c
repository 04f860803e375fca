#include "job/mask.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "job/mask-forms.h"

#define MASK_DEPTH_MAX ((1U << 24) - 1)
#define MASK_NEWLINES_HELD_MAX (64U * 1024) /* within one secret; a text folded more often than that is none */
#define MASK_HELD_BYTES_MAX (1U << 30)      /* never reached: one chunk, MASK_DEPTH_MAX and MASK_NEWLINES_HELD_MAX */

/*
 * A trie with failure links. Most states have exactly one child: it stands right behind them. Further children are in a list;
 * only the root has a table. So a state costs 16 bytes, and a text that has nothing to do with any secret one bit test a byte.
 */
typedef struct State {
        uint32_t fail;     /* the longest proper suffix that is a prefix of some pattern */
        uint32_t branches; /* index + 1 of the first further child; 0: none */
        uint32_t depth : 24, byte : 8; /* byte: the one that leads here */
        uint32_t match : 31, has_next : 1; /* match: how long the longest pattern is that ends here; has_next: the next state is a child */
} State;

typedef struct Branch {
        uint32_t state, next; /* next: as in State.branches */
} Branch;

struct Mask {
        State *states; /* the first is the root */
        size_t n_states;
        Branch *branches;
        size_t n_branches;
        uint32_t root[256]; /* 0: stays there */
        bool leaves_root[256];
        uint8_t pairs[256][32]; /* bits: which byte may follow the first one of a pattern; makes the way from one secret to the next short */
};

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

static uint32_t find_child(const Mask *mask, uint32_t from, unsigned char byte) {
        const State *state = &mask->states[from];

        if (from == 0)
                return mask->root[byte];
        if (state->has_next && state[1].byte == byte)
                return from + 1;
        for (uint32_t i = state->branches; i != 0; i = mask->branches[i - 1].next)
                if (mask->states[mask->branches[i - 1].state].byte == byte)
                        return mask->branches[i - 1].state;
        return 0;
}

static inline uint32_t advance(const Mask *mask, uint32_t state, unsigned char byte) {
        uint32_t child;

        /* Each failure link makes the depth smaller, each byte makes it larger by one at most: linear on the whole. */
        while ((child = find_child(mask, state, byte)) == 0 && state != 0)
                state = mask->states[state].fail;
        return child;
}

static int add_child(Mask *mask, uint32_t from, unsigned char byte, uint32_t *ret) {
        uint32_t child = (uint32_t) mask->n_states;
        State *state = &mask->states[from];

        if (from == 0) {
                mask->root[byte] = child;
                mask->leaves_root[byte] = true;
        } else if (child == from + 1)
                state->has_next = 1;
        else {
                if (ARRAY_APPEND(mask->branches, mask->n_branches, ((Branch) { .state = child, .next = state->branches })) < 0)
                        return -ENOMEM;
                state->branches = (uint32_t) mask->n_branches;
        }
        mask->states[mask->n_states++] = (State) { .byte = byte, .depth = (state->depth + 1) & MASK_DEPTH_MAX };
        *ret = child;
        return 0;
}

static int add_pattern(Mask *mask, const char *text) {
        uint32_t state = 0;

        for (const char *s = text; *s; s++) {
                uint32_t child = find_child(mask, state, (unsigned char) *s);

                if (child == 0 && add_child(mask, state, (unsigned char) *s, &child) < 0)
                        return -ENOMEM;
                state = child;
        }
        mask->states[state].match = mask->states[state].depth;
        return 0;
}

static void link_child(Mask *mask, uint32_t parent, uint32_t child) {
        State *state = &mask->states[child];

        state->fail = parent == 0 ? 0 : advance(mask, mask->states[parent].fail, (unsigned char) state->byte);
        if (state->match == 0)
                state->match = mask->states[state->fail].match;
}

/* Sets all failure links, nearest to the root first. */
static int link_states(Mask *mask) {
        _cleanup_free_ uint32_t *queue = malloc(mask->n_states * sizeof(*queue));
        size_t n_queue = 0;

        if (!queue)
                return -ENOMEM;
        for (size_t byte = 0; byte < 256; byte++)
                if (mask->root[byte] != 0)
                        queue[n_queue++] = mask->root[byte];
        for (size_t i = 0; i < n_queue; i++) {
                const State *state = &mask->states[queue[i]];

                if (state->has_next) {
                        link_child(mask, queue[i], queue[i] + 1);
                        queue[n_queue++] = queue[i] + 1;
                }
                for (uint32_t b = state->branches; b != 0; b = mask->branches[b - 1].next) {
                        link_child(mask, queue[i], mask->branches[b - 1].state);
                        queue[n_queue++] = mask->branches[b - 1].state;
                }
        }
        return 0;
}

static void add_pair(Mask *mask, unsigned char first, unsigned char second) {
        mask->pairs[first][second >> 3] |= (uint8_t) (1U << (second & 7));
}

static int build(Mask *mask, const MaskForms *forms) {
        State *states;

        /* One block for the worst case, cut to what it came to: growing would leave copies of secrets behind. */
        mask->states = calloc(forms->n_bytes + 1, sizeof(*mask->states));
        if (!mask->states)
                return -ENOMEM;
        mask->n_states = 1;
        for (size_t i = 0; i < forms->n_texts; i++) {
                const char *text = forms->texts[i];

                if (add_pattern(mask, text) < 0)
                        return -ENOMEM;
                add_pair(mask, (unsigned char) text[0], (unsigned char) text[1]);
                add_pair(mask, (unsigned char) text[0], '\n');
                add_pair(mask, (unsigned char) text[0], '\r');
        }
        states = realloc(mask->states, mask->n_states * sizeof(*states));
        if (states)
                mask->states = states;
        return link_states(mask);
}

int mask_new(const Map *secrets, Mask **ret, Error **reterr) {
        _cleanup_(mask_forms_done) MaskForms forms = { 0 };
        _cleanup_(mask_freep) Mask *mask = calloc(1, sizeof(*mask));
        size_t n_bytes = 0;

        if (!mask)
                return error_oom(reterr);
        MAP_FOREACH(entry, secrets) {
                n_bytes += strlen(entry->value);
                if (n_bytes > MASK_SECRETS_BYTES_MAX)
                        return error_set(reterr, E2BIG, "the secrets are larger than %u KiB together: too much to hide them in the output",
                                         MASK_SECRETS_BYTES_MAX / 1024);
                if (mask_forms_add(&forms, entry->value) < 0)
                        return error_oom(reterr);
        }
        if (build(mask, &forms) < 0)
                return error_oom(reterr);
        *ret = TAKE_PTR(mask);
        return 0;
}

Mask *mask_free(Mask *mask) {
        if (!mask)
                return NULL;
        if (mask->states)
                explicit_bzero(mask->states, mask->n_states * sizeof(*mask->states));
        free(mask->states);
        free(mask->branches);
        free(mask);
        return NULL;
}

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
static ssize_t write_certain(MaskStream *stream, const char *bytes, size_t n, size_t until, size_t *interval, Str *out) {
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
                        r = write_plain_until(stream, bytes + used, n - used, next ? MIN(next->from, until) : until, out);
                if (r < 0)
                        return r;
                used += (size_t) r;
                if (used == n || stream->n_written == until)
                        return (ssize_t) used;
        }
}

/* Writes what is certain of what is held and of the bytes that came after it: all but the last @n_open; holds the rest. */
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
                memmove(stream->intervals, stream->intervals + interval, stream->n_intervals * sizeof(*stream->intervals));
        return str_append_n(&stream->held, bytes, n);
}

/* Nothing is open any more: the stream is at the root, with nothing to remember. */
static void reset(MaskStream *stream) {
        str_clear(&stream->held);
        stream->state = 0;
        stream->n_read = stream->n_written = stream->n_intervals = 0;
}

/* Reads from @from on, which leaves the root, until the root is reached again or the bytes end; returns where that is. */
static ssize_t read_until_root(MaskStream *stream, const char *bytes, size_t from, size_t n) {
        const Mask *mask = stream->mask;
        uint32_t state = stream->state;
        size_t i;

        for (i = from; i < n; i++) {
                if (is_newline(bytes[i]))
                        continue;
                state = advance(mask, state, (unsigned char) bytes[i]);
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
