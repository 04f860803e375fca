#pragma once

/*
 * Hides secrets in a stream of bytes: an Aho-Corasick automaton over all secrets and the forms they commonly take
 * (base64 in its three alignments, URL encoding). Newlines inside a secret or its output are looked through, so folding
 * it does not show it. Linear in the input whatever the secrets are.
 */

#include "base/error.h"
#include "base/map.h"
#include "base/str.h"

#define MASK_TEXT "********"
/* shorter ones would mask half of everything (Woodpecker: 3 or less are not masked) */
#define MASK_SECRET_BYTES_MIN 4
#define MASK_SECRETS_BYTES_MAX (1U * 1024 * 1024)

/* The patterns; shared by all streams. */
typedef struct Mask Mask;
/** mask_new() - @secrets: name to value. *ret is usable also without any secret. -E2BIG over MASK_SECRETS_BYTES_MAX. */
int mask_new(const Map *secrets, Mask **ret, Error **reterr);
Mask *mask_free(Mask *mask);
DEFINE_CLEANUP(Mask *, mask_free);

/* One stream: what may still become a secret is held back. */
typedef struct MaskStream MaskStream;
int mask_stream_new(const Mask *mask, MaskStream **ret);
MaskStream *mask_stream_free(MaskStream *stream);
DEFINE_CLEANUP(MaskStream *, mask_stream_free);
/** mask_stream_feed() - appends to @out what is certain by now; newlines inside a masked part are kept */
int mask_stream_feed(MaskStream *stream, const char *bytes, size_t n, Str *out);
/**
 * mask_stream_release() - for a stream that pauses: appends what was held back if that is less than
 * MASK_SECRET_BYTES_MIN bytes
 *
 * About one line in ten ends in the first byte of some secret and would wait for the next one. If the secret does
 * follow, its rest is still masked. Call it when nothing came for a while, not after every chunk.
 */
int mask_stream_release(MaskStream *stream, Str *out);
/** mask_stream_end() - appends what was held back */
int mask_stream_end(MaskStream *stream, Str *out);
/** mask_text() - a whole text at once (error messages); heap, NULL if memory is out */
char *mask_text(const Mask *mask, const char *text);
