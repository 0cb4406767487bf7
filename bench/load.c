/*
 * load CLIENTS URL TOKENFILE FILE...: post each file once, over so many kept
 * connections at once, and print one line of JSON. A client takes the next
 * file as soon as it has an answer.
 */

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/when.h"

#define TOKEN_MAX 8192

/* What the clients share; each is a process. */
struct tally {
	atomic_int next;
	atomic_long entries;
	atomic_int bad;
	atomic_long slowest_us;
};

/* One answer as it comes in: how often it says `"response"`. */
struct answer {
	long entries;
	size_t matched;
};

static void
die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static size_t
on_answer(char *p, size_t size, size_t n, void *arg)
{
	static const char wanted[] = "\"response\"";
	struct answer *answer = arg;

	for (size_t i = 0; i < size * n; i++) {
		if (p[i] != wanted[answer->matched])
			answer->matched = p[i] == wanted[0];
		else
			answer->matched++;
		if (answer->matched == sizeof(wanted) - 1) {
			answer->entries++;
			answer->matched = 0;
		}
	}
	return size * n;
}

static char *
read_file(const char *path, long *size)
{
	FILE *file = fopen(path, "rbe");
	char *text;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 ||
	    (*size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
		die(path);
	text = malloc((size_t)*size + 1);
	if (text == NULL ||
	    fread(text, 1, (size_t)*size, file) != (size_t)*size)
		die(path);
	text[*size] = '\0';
	fclose(file);
	return text;
}

static void
post_file(CURL *curl, const char *path, struct tally *tally)
{
	struct answer answer = { 0, 0 };
	int64_t begin_us;
	long size, status = 0, took_us;
	char *body = read_file(path, &size);

	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, size);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	begin_us = when_now();
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	took_us = (long)(when_now() - begin_us);
	if (status == 200)
		atomic_fetch_add(&tally->entries, answer.entries);
	else
		atomic_fetch_add(&tally->bad, 1);
	if (took_us > atomic_load(&tally->slowest_us))
		atomic_store(&tally->slowest_us, took_us);
	free(body);
}

static struct curl_slist *
headers_with(const char *token_file)
{
	char line[TOKEN_MAX + 32];
	struct curl_slist *headers = NULL;
	long size;
	char *token = read_file(token_file, &size);

	token[strcspn(token, "\n")] = '\0';
	if (size > TOKEN_MAX)
		die("the token is too long");
	snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
	headers = curl_slist_append(headers, line);
	headers =
	    curl_slist_append(headers, "Content-Type: application/fhir+json");
	headers = curl_slist_append(headers, "Expect:");
	free(token);
	return headers;
}

static _Noreturn void
client(const char *url, const char *token_file, char **files, int count,
    struct tally *tally)
{
	CURL *curl = curl_easy_init();
	const char *ca_file = getenv("CA_FILE");
	int i;

	if (curl == NULL)
		die("curl_easy_init");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_with(token_file));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
	if (ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
	while ((i = atomic_fetch_add(&tally->next, 1)) < count)
		post_file(curl, files[i], tally);
	curl_easy_cleanup(curl);
	exit(0);
}

int
main(int argc, char **argv)
{
	struct tally *tally;
	int64_t begin_us;
	double seconds;
	uint64_t clients = 0;

	if (argc < 5 || !str_u64(str_of(argv[1]), 64, &clients) || clients == 0)
		die("usage: load CLIENTS URL TOKENFILE FILE...");
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		die("mmap");
	begin_us = when_now();
	for (uint64_t i = 0; i < clients; i++)
		if (fork() == 0)
			client(argv[2], argv[3], argv + 4, argc - 4, tally);
	while (wait(NULL) > 0)
		continue;
	seconds = (double)(when_now() - begin_us) / 1e6;
	printf("{\"seconds\":%.3f,\"entries\":%ld,\"bad\":%d,"
	       "\"max_ms\":%.0f}\n",
	    seconds, atomic_load(&tally->entries), atomic_load(&tally->bad),
	    (double)atomic_load(&tally->slowest_us) / 1e3);
	return 0;
}
