#pragma once

/* Lists of images that somebody trusts. */

#include <stdbool.h>

/**
 * image_matches() - whether an image is one of a list
 * @list: an entry with a ':' must be the same image and tag, both completed; in another one the tag does not count. May
 * be NULL.
 *
 * Source: pipeline/frontend/yaml/utils/image.go (MatchImageDynamic).
 *
 * Return: 1, 0, or -ENOMEM.
 */
int image_matches(const char *image, char *const *list);
