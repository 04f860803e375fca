#include "job/mask.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "job/mask-forms.h"
#include "job/mask-internal.h"

static int add_child(Mask *mask, uint32_t from, unsigned char byte, uint32_t *ret) {
        uint32_t child = (uint32_t) mask->n_states;
        MaskState *state = &mask->states[from];

        if (from == 0) {
                mask->root[byte] = child;
                mask->leaves_root[byte] = true;
        } else if (child == from + 1)
                state->has_next = 1;
        else {
                if (ARRAY_APPEND(mask->branches, mask->n_branches,
                                 ((MaskBranch) { .state = child, .next = state->branches })) < 0)
                        return -ENOMEM;
                state->branches = (uint32_t) mask->n_branches;
        }
        mask->states[mask->n_states++] = (MaskState) { .byte = byte, .depth = (state->depth + 1) & MASK_DEPTH_MAX };
        *ret = child;
        return 0;
}

static int add_pattern(Mask *mask, const char *text) {
        uint32_t state = 0;

        for (const char *s = text; *s; s++) {
                uint32_t child = mask_find_child(mask, state, (unsigned char) *s);

                if (child == 0 && add_child(mask, state, (unsigned char) *s, &child) < 0)
                        return -ENOMEM;
                state = child;
        }
        mask->states[state].match = mask->states[state].depth;
        return 0;
}

static void link_child(Mask *mask, uint32_t parent, uint32_t child) {
        MaskState *state = &mask->states[child];

        state->fail = parent == 0 ? 0 : mask_advance(mask, mask->states[parent].fail, (unsigned char) state->byte);
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
                const MaskState *state = &mask->states[queue[i]];

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
        MaskState *states;

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
                        return error_set(
                                reterr, E2BIG,
                                "the secrets are larger than %u KiB together: too much to hide them in the output",
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
