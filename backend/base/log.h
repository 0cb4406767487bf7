/*
 * One line of logfmt per fact, on standard error: level, event, then ids.
 *
 *   level=info event=request request_id=req_... method=GET status=200 us=412
 *
 * error = someone must act; warn = may become one; info = one line per request
 * or job. Never a token, a secret, a body, or a name of a patient.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG, LOG_LEVEL__MAX };

extern const char	*const log_level_names[LOG_LEVEL__MAX];

/* Lines above this level are dropped; the default is LOG_LEVEL_INFO. */
void	log_set_level(enum log_level level);

/*
 * Write one line: `event` is a snake_case word, fmt makes the further
 * key=value pairs. A value that a stranger chose goes through log_word().
 * Control characters in the result are replaced. A line is never divided
 * between two write(2).
 */
void	log_line(enum log_level level, const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/*
 * Keep lines of level info and debug back and write many at once: when 4 kB
 * are full, before a line that someone should see now, and by log_flush().
 * Who holds calls log_flush() at least every LOG_HELD_MS.
 */
#define LOG_HELD_MS	200
void	log_hold(bool on);

/* Whether lines are kept back now. */
bool	log_held(void);
void	log_flush(void);

/*
 * s as a value that is safe in logfmt: quoted when needed, escaped, cut at 200
 * bytes. Returns a static buffer out of four in turn.
 */
const char	*log_word(struct str s);

#endif
