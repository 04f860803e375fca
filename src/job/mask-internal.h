#pragma once

/* The automaton, as mask.c makes it and mask-stream.c walks through it. */

#include <stdint.h>

#include "job/mask.h"

#define MASK_DEPTH_MAX ((1U << 24) - 1)

/*
 * A trie with failure links. Most states have exactly one child: it stands right behind them. Further children are in a
 * list; only the root has a table. So a state costs 16 bytes, and a text that has nothing to do with any secret one bit
 * test a byte.
 */
typedef struct MaskState {
        uint32_t fail;     /* the longest proper suffix that is a prefix of some pattern */
        uint32_t branches; /* index + 1 of the first further child; 0: none */
        uint32_t depth : 24, byte : 8; /* byte: the one that leads here */
        /* match: how long the longest pattern is that ends here; has_next: the next state is a child */
        uint32_t match : 31, has_next : 1;
} MaskState;

typedef struct MaskBranch {
        uint32_t state, next; /* next: as in MaskState.branches */
} MaskBranch;

struct Mask {
        MaskState *states; /* the first is the root */
        size_t n_states;
        MaskBranch *branches;
        size_t n_branches;
        uint32_t root[256]; /* 0: stays there */
        bool leaves_root[256];
        /* bits: which byte may follow the first one of a pattern; makes the way from one secret to the next short */
        uint8_t pairs[256][32];
};

static inline uint32_t mask_find_child(const Mask *mask, uint32_t from, unsigned char byte) {
        const MaskState *state = &mask->states[from];

        if (from == 0)
                return mask->root[byte];
        if (state->has_next && state[1].byte == byte)
                return from + 1;
        for (uint32_t i = state->branches; i != 0; i = mask->branches[i - 1].next)
                if (mask->states[mask->branches[i - 1].state].byte == byte)
                        return mask->branches[i - 1].state;
        return 0;
}

static inline uint32_t mask_advance(const Mask *mask, uint32_t state, unsigned char byte) {
        uint32_t child;

        /* Each failure link makes the depth smaller, each byte makes it larger by one at most: linear on the whole. */
        while ((child = mask_find_child(mask, state, byte)) == 0 && state != 0)
                state = mask->states[state].fail;
        return child;
}
