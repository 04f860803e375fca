#pragma once

/* Numbers and times as Go prints them: what a plugin finds in its variables. */

/** go_format_float() - as "%v" does: "1.2", "100000", "1e+06", "NaN"; heap, NULL if memory is out */
char *go_format_float(double number);

/** go_format_json_float() - as encoding/json does: "1.2", "1000000", "1e+21"; NULL if memory is out; @number is finite
 */
char *go_format_json_float(double number);

/** go_format_time() - a YAML timestamp as RFC 3339 ("2024-1-2" is "2024-01-02T00:00:00Z"); the text itself where it is
 * none; NULL if memory is out */
char *go_format_time(const char *text);
