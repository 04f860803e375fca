#pragma once

/*
 * The forms in which a secret shows up in a log: as it is, line by line, in base64, percent-encoded, quoted for a
 * shell, escaped for JSON. Pure; what to look for is decided here, looking for it is mask.c.
 */

#include <stddef.h>

#include "base/cleanup.h"

/* of larger secrets (files) only the text, its lines and its base64 are looked for */
#define MASK_FORMS_BYTES_MAX (16U * 1024)
#define MASK_BASE64_CHARACTERS_MIN 6      /* less of an inner piece would mask half of everything */

typedef struct MaskForms {
        char **texts; /* without \n and \r; at least MASK_SECRET_BYTES_MIN bytes; some may be there twice */
        size_t n_texts;
        size_t n_bytes; /* of all texts together */
} MaskForms;

/**
 * mask_forms_add() - all forms of one secret; what is left of it after trimming may be too short for any. 0 or -ENOMEM
 */
int mask_forms_add(MaskForms *forms, const char *secret);
/** mask_forms_done() - wipes them */
void mask_forms_done(MaskForms *forms);
