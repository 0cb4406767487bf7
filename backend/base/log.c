/* One line of logfmt per fact, on standard error. */

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES	1024
#define WORD_MAX_BYTES	200
#define WORDS_AT_ONCE	4
#define HELD_MAX_BYTES	4096	/* PIPE_BUF: several processes share a pipe */

const char *const log_level_names[LOG_LEVEL__MAX] = {
	"error",	/* LOG_LEVEL_ERROR */
	"warn",		/* LOG_LEVEL_WARN */
	"info",		/* LOG_LEVEL_INFO */
	"debug",	/* LOG_LEVEL_DEBUG */
};

static enum log_level threshold = LOG_LEVEL_INFO;
static bool holding;
static char held[HELD_MAX_BYTES];
static size_t held_n;

void
log_set_level(enum log_level level)
{
	threshold = level;
}

/* A log that cannot be written has nobody left to be told. */
void
log_flush(void)
{
	size_t n = held_n;

	held_n = 0;
	if (n > 0 && write(STDERR_FILENO, held, n) < 0)
		return;
}

void
log_hold(bool on)
{
	log_flush();
	holding = on;
}

bool
log_held(void)
{
	return held_n > 0;
}

static void
put_line(enum log_level level, const char *line, size_t n)
{
	if (n > sizeof(held) - held_n)
		log_flush();
	memcpy(held + held_n, line, n);
	held_n += n;
	if (!holding || level <= LOG_LEVEL_WARN)
		log_flush();
}

static size_t
clamp(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	size_t n;
	va_list ap;

	if (level > threshold)
		return;
	n = clamp(snprintf(line, sizeof(line), "level=%s event=%s ",
	    log_level_names[level], event), sizeof(line));
	va_start(ap, fmt);
	n += clamp(vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap),
	    sizeof(line) - n - 1);
	va_end(ap);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n++] = '\n';
	put_line(level, line, n);
}

static bool
is_plain(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

const char *
log_word(struct str s)
{
	static char words[WORDS_AT_ONCE][WORD_MAX_BYTES + 8];
	static unsigned turn;
	char *word = words[turn++ % WORDS_AT_ONCE];
	size_t n = 0;
	bool plain = s.n > 0;

	for (size_t i = 0; i < s.n; i++)
		plain = plain && is_plain((unsigned char)s.p[i]);
	if (!plain)
		word[n++] = '"';
	for (size_t i = 0; i < s.n && n < WORD_MAX_BYTES; i++) {
		unsigned char c = (unsigned char)s.p[i];

		word[n++] = (char)(is_plain(c) || c == ' ' || c == '=' ? c
		    : '?');
	}
	if (!plain)
		word[n++] = '"';
	word[n] = '\0';
	return word;
}
