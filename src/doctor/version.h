#pragma once

/** version_compare() - by numbers: "4.10" is above "4.9"; "5.0.0-dev" and "5.0" are alike. <0, 0, >0 */
int version_compare(const char *a, const char *b);
