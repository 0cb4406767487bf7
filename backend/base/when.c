/*
 * Dates and times: FHIR's text forms to spans, and instants to text. The
 * calendar is the proleptic Gregorian one, the clock is UTC, and a leap second
 * (":60", which R4's patterns allow) is the last microsecond of its minute.
 */

#include "base/when.h"

#include <time.h>

#define US_PER_MINUTE	(60 * US_PER_SECOND)
#define DAYS_PER_400Y	146097
#define DAYS_TO_1970	719468		/* from 1 March of year 0 */

/* Fields of a calendar and a clock; month and day from 1. */
struct fields {
	int	year, month, day;
	int	hour, minute, second;
	int	us;
	int	weekday;		/* 0 = Sunday */
};

static const char *const month_names[12] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

static const char *const day_names[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
	"Saturday",
};

static int
month_days(int year, int month)
{
	static const char days[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970. The year is counted from March, so that the leap day is its
 * last one and the months before it have a regular length. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    day - 1 - DAYS_TO_1970;
}

static int64_t
midnight_of(int year, int month, int day)
{
	return days_of(year, month, day) * US_PER_DAY;
}

/* The reverse of days_of, for years 1-9999. */
static void
split_days(int64_t days, struct fields *f)
{
	int64_t d = days + DAYS_TO_1970;
	int64_t y = d * 400 / DAYS_PER_400Y;
	int64_t m, rest;

	while (y * 365 + y / 4 - y / 100 + y / 400 > d)
		y--;
	while ((y + 1) * 365 + (y + 1) / 4 - (y + 1) / 100 + (y + 1) / 400 <=
	    d)
		y++;
	rest = d - (y * 365 + y / 4 - y / 100 + y / 400);
	m = (5 * rest + 2) / 153;
	f->day = (int)(rest - (153 * m + 2) / 5 + 1);
	f->month = (int)(m < 10 ? m + 3 : m - 9);
	f->year = (int)(m < 10 ? y : y + 1);
	f->weekday = (int)(((days % 7) + 7 + 4) % 7);
}

/* Exactly n digits of *s, which moves on. */
static bool
take_digits(struct str *s, size_t n, int *out)
{
	int value = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		value = value * 10 + (s->p[i] - '0');
	}
	*s = str_from(*s, n);
	*out = value;
	return true;
}

static bool
take(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

/* YYYY, YYYY-MM or YYYY-MM-DD. */
static bool
take_date(struct str *s, struct when *w)
{
	int year, month, day;

	if (!take_digits(s, 4, &year) || year == 0)
		return false;
	w->precision = WHEN_YEAR;
	w->lo_us = midnight_of(year, 1, 1);
	w->hi_us = midnight_of(year + 1, 1, 1);
	if (!take(s, '-'))
		return true;
	if (!take_digits(s, 2, &month) || month < 1 || month > 12)
		return false;
	w->precision = WHEN_MONTH;
	w->lo_us = midnight_of(year, month, 1);
	w->hi_us = w->lo_us + month_days(year, month) * US_PER_DAY;
	if (!take(s, '-'))
		return true;
	if (!take_digits(s, 2, &day) || day < 1 ||
	    day > month_days(year, month))
		return false;
	w->precision = WHEN_DAY;
	w->lo_us = midnight_of(year, month, day);
	w->hi_us = w->lo_us + US_PER_DAY;
	return true;
}

/* The digits after the point; what is below a microsecond is cut. */
static bool
take_fraction(struct str *s, struct when *w)
{
	int64_t unit = US_PER_SECOND;
	size_t digits = 0;

	for (; digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9';
	    digits++) {
		if (unit == 1)
			continue;
		unit /= 10;
		w->lo_us += (s->p[digits] - '0') * unit;
	}
	*s = str_from(*s, digits);
	w->hi_us = w->lo_us + unit;
	w->precision = WHEN_FRACTION;
	return digits > 0;
}

/* hh:mm[:ss[.f+]], added to w->lo_us, which is a midnight. */
static bool
take_clock(struct str *s, bool minutes_will_do, struct when *w)
{
	int hour, minute, second;
	int64_t next_minute;

	if (!take_digits(s, 2, &hour) || hour > 23 || !take(s, ':') ||
	    !take_digits(s, 2, &minute) || minute > 59)
		return false;
	w->lo_us += (hour * 60 + minute) * US_PER_MINUTE;
	w->hi_us = next_minute = w->lo_us + US_PER_MINUTE;
	w->precision = WHEN_MINUTE;
	if (!take(s, ':'))
		return minutes_will_do;
	if (!take_digits(s, 2, &second) || second > 60)
		return false;
	w->lo_us += second * US_PER_SECOND;
	w->hi_us = w->lo_us + US_PER_SECOND;
	w->precision = WHEN_SECOND;
	if (take(s, '.') && !take_fraction(s, w))
		return false;
	if (second == 60) {
		w->lo_us = next_minute - 1;
		w->hi_us = next_minute;
	}
	return true;
}

/* Z, or +hh:mm up to 14:00. */
static bool
take_zone(struct str *s, struct when *w)
{
	int sign = s->n > 0 && s->p[0] == '-' ? -1 : 1;
	int hour, minute;
	int64_t offset;

	w->zoned = true;
	if (take(s, 'Z'))
		return true;
	if (!take(s, '+') && !take(s, '-'))
		return false;
	if (!take_digits(s, 2, &hour) || !take(s, ':') ||
	    !take_digits(s, 2, &minute) || minute > 59 ||
	    hour * 60 + minute > 14 * 60)
		return false;
	offset = sign * (hour * 60 + minute) * US_PER_MINUTE;
	w->lo_us -= offset;
	w->hi_us -= offset;
	return true;
}

bool
when_parse(struct str s, enum when_kind kind, struct when *out)
{
	struct when w = { .zoned = false };

	if (kind == WHEN_TIME) {
		if (!take_clock(&s, false, &w) || s.n > 0)
			return false;
		*out = w;
		return true;
	}
	if (!take_date(&s, &w))
		return false;
	if (s.n > 0) {
		if (kind == WHEN_DATE || w.precision != WHEN_DAY ||
		    !take(&s, 'T') ||
		    !take_clock(&s, kind == WHEN_SEARCH, &w))
			return false;
		if (!(s.n == 0 && kind == WHEN_SEARCH) &&
		    !take_zone(&s, &w))
			return false;
	}
	if (s.n > 0 || (kind == WHEN_INSTANT && w.precision < WHEN_SECOND))
		return false;
	*out = w;
	return true;
}

/* us cut to what four digits of year can say. */
static struct fields
fields_of(int64_t us)
{
	int64_t first = midnight_of(1, 1, 1);
	int64_t last = midnight_of(9999, 12, 31) + US_PER_DAY - 1;
	struct fields f;
	int64_t day, rest;

	us = us < first ? first : us > last ? last : us;
	day = us / US_PER_DAY;
	rest = us % US_PER_DAY;
	if (rest < 0) {
		rest += US_PER_DAY;
		day--;
	}
	split_days(day, &f);
	f.us = (int)(rest % US_PER_SECOND);
	f.second = (int)(rest / US_PER_SECOND % 60);
	f.minute = (int)(rest / US_PER_MINUTE % 60);
	f.hour = (int)(rest / (60 * US_PER_MINUTE));
	return f;
}

/* value as n decimal digits at out; returns what is after them. */
static char *
put(char *out, int value, int n)
{
	for (int i = n - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + n;
}

void
when_format(int64_t us, char out[WHEN_INSTANT_CHARS + 1])
{
	struct fields f = fields_of(us);

	memcpy(out, "0000-00-00T00:00:00.000Z", WHEN_INSTANT_CHARS + 1);
	put(out, f.year, 4);
	put(out + 5, f.month, 2);
	put(out + 8, f.day, 2);
	put(out + 11, f.hour, 2);
	put(out + 14, f.minute, 2);
	put(out + 17, f.second, 2);
	put(out + 20, f.us / 1000, 3);
}

void
when_http(int64_t us, char out[WHEN_HTTP_CHARS + 1])
{
	struct fields f = fields_of(us);

	memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", WHEN_HTTP_CHARS + 1);
	memcpy(out, day_names[f.weekday], 3);
	put(out + 5, f.day, 2);
	memcpy(out + 8, month_names[f.month - 1], 3);
	put(out + 12, f.year, 4);
	put(out + 17, f.hour, 2);
	put(out + 20, f.minute, 2);
	put(out + 23, f.second, 2);
}

static bool
take_month(struct str *s, int *month)
{
	for (int i = 0; i < 12; i++)
		if (str_starts(*s, str_of(month_names[i]))) {
			*s = str_from(*s, 3);
			*month = i + 1;
			return true;
		}
	return false;
}

/* The name of a day; `length` 0 takes the whole name. */
static bool
take_weekday(struct str *s, size_t length)
{
	for (int i = 0; i < 7; i++) {
		struct str name = str_of(day_names[i]);

		if (length > 0)
			name.n = length;
		if (str_starts(*s, name)) {
			*s = str_from(*s, name.n);
			return true;
		}
	}
	return false;
}

/*
 * A two-digit year that seems more than 50 years ahead is of the century
 * before. RFC 9110 5.6.7
 */
static int
full_year(int two_digits)
{
	int now = fields_of(when_now()).year;
	int year = now - now % 100 + two_digits;

	return year > now + 50 ? year - 100 : year;
}

/*
 * One of the three forms by a pattern: W day name, w its three letters, D day,
 * d day with a blank for the zero, M month, Y year, y its two digits, h m s,
 * Z " GMT"; every other byte is itself.
 */
static bool
take_pattern(struct str *s, const char *pattern, struct fields *f)
{
	bool fits = true;

	for (; fits && *pattern != '\0'; pattern++)
		switch (*pattern) {
		case 'W':
			fits = take_weekday(s, 0);
			break;
		case 'w':
			fits = take_weekday(s, 3);
			break;
		case 'd':
			fits = take(s, ' ') ? take_digits(s, 1, &f->day) :
			    take_digits(s, 2, &f->day);
			break;
		case 'D':
			fits = take_digits(s, 2, &f->day);
			break;
		case 'M':
			fits = take_month(s, &f->month);
			break;
		case 'Y':
			fits = take_digits(s, 4, &f->year);
			break;
		case 'y':
			fits = take_digits(s, 2, &f->year);
			if (fits)
				f->year = full_year(f->year);
			break;
		case 'h':
			fits = take_digits(s, 2, &f->hour);
			break;
		case 'm':
			fits = take_digits(s, 2, &f->minute);
			break;
		case 's':
			fits = take_digits(s, 2, &f->second);
			break;
		case 'Z':
			fits = str_eqz(*s, " GMT");
			*s = STR_NONE;
			break;
		default:
			fits = take(s, *pattern);
		}
	return fits && s->n == 0;
}

bool
when_http_parse(struct str s, int64_t *us)
{
	static const char *const patterns[] = {
		"w, D M Y h:m:sZ",		/* IMF-fixdate */
		"W, D-M-y h:m:sZ",		/* RFC 850 */
		"w M d h:m:s Y",		/* asctime */
	};
	struct fields f = { 0 };
	bool fits = false;

	for (size_t i = 0; i < 3 && !fits; i++) {
		struct str rest = s;

		f = (struct fields){ 0 };
		fits = take_pattern(&rest, patterns[i], &f);
	}
	if (!fits || f.year < 1 || f.day < 1 ||
	    f.day > month_days(f.year, f.month) || f.hour > 23 ||
	    f.minute > 59 || f.second > 60)
		return false;
	*us = midnight_of(f.year, f.month, f.day) +
	    (f.hour * 60 + f.minute) * US_PER_MINUTE +
	    f.second * US_PER_SECOND;
	return true;
}

int64_t
when_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}
