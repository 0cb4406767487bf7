
/*
 * Looks at a state directory and keeps what it last read in good order: a
 * missing, torn or wrong file is logged once and changes nothing.  Each worker
 * looks by itself, five times a second (a handful of stat() calls); the maps
 * are shared pages of the same files.
 *
 * The access handler uses keys and maps within one event and keeps no pointer
 * into them, so what is replaced can be released at once.
 */


#include "ngx_http_twocare.h"


/* a set of keys has a few hundred bytes per key */

#define NGX_HTTP_TWOCARE_JWKS_MAX  262144

/* seconds; "alive" is touched every second */

#define NGX_HTTP_TWOCARE_WARN_AGE  10


typedef enum {
    NGX_HTTP_TWOCARE_FILE_JWKS = 0,
    NGX_HTTP_TWOCARE_FILE_CLIENTS,
    NGX_HTTP_TWOCARE_FILE_REVOKED,
    NGX_HTTP_TWOCARE_FILE_ALIVE
} ngx_http_twocare_file_e;


static const char *ngx_http_twocare_state_keys(
    ngx_http_twocare_state_t *state, ngx_log_t *log);
static ssize_t ngx_http_twocare_state_read(const u_char *name, char *buf,
    size_t size);
static void ngx_http_twocare_state_map(ngx_http_twocare_state_t *state,
    struct state_map *map, ngx_str_t *path, uint64_t magic,
    ngx_http_twocare_file_e file, ngx_log_t *log);
static void ngx_http_twocare_state_complain(ngx_http_twocare_state_t *state,
    ngx_http_twocare_file_e file, ngx_str_t *path, const char *why,
    ngx_log_t *log);


void
ngx_http_twocare_state_refresh(ngx_http_twocare_state_t *state,
    ngx_log_t *log)
{
    time_t           age;
    const char      *why;
    ngx_file_info_t  fi;

    why = ngx_http_twocare_state_keys(state, log);
    ngx_http_twocare_state_complain(state, NGX_HTTP_TWOCARE_FILE_JWKS,
                                    &state->jwks, why, log);

    ngx_http_twocare_state_map(state, &state->clients, &state->clients_map,
                               STATE_MAGIC_CLIENTS,
                               NGX_HTTP_TWOCARE_FILE_CLIENTS, log);
    ngx_http_twocare_state_map(state, &state->revoked, &state->revoked_map,
                               STATE_MAGIC_REVOKED,
                               NGX_HTTP_TWOCARE_FILE_REVOKED, log);

    why = NULL;

    if (ngx_file_info(state->alive.data, &fi) == NGX_FILE_ERROR) {
        why = "cannot be read";

    } else {
        state->touched = ngx_file_mtime(&fi);
    }

    ngx_http_twocare_state_complain(state, NGX_HTTP_TWOCARE_FILE_ALIVE,
                                    &state->alive, why, log);

    if (state->touched == 0) {
        return;
    }

    age = ngx_http_twocare_state_age(state);

    if (age > NGX_HTTP_TWOCARE_WARN_AGE && !state->old) {
        state->old = 1;
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "twocare_state \"%V\" has not been kept up for %T "
                      "seconds: is \"twocare jobs\" running?",
                      &state->dir, age);

    } else if (age <= NGX_HTTP_TWOCARE_WARN_AGE && state->old) {
        state->old = 0;
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "twocare_state \"%V\" is kept up again", &state->dir);
    }
}


ngx_uint_t
ngx_http_twocare_state_ready(ngx_http_twocare_state_t *state)
{
    return state->keys != NULL
           && state->clients.header != NULL
           && state->revoked.header != NULL
           && state->touched != 0;
}


time_t
ngx_http_twocare_state_age(ngx_http_twocare_state_t *state)
{
    return ngx_max(ngx_time() - state->touched, 0);
}


/* returns what is wrong with the file as it lies there now */

static const char *
ngx_http_twocare_state_keys(ngx_http_twocare_state_t *state, ngx_log_t *log)
{
    ssize_t            n;
    const char        *why;
    enum jose_error    error;
    struct jose_keys  *keys;
    ngx_file_info_t    fi;

    static char  buf[NGX_HTTP_TWOCARE_JWKS_MAX];

    if (ngx_file_info(state->jwks.data, &fi) == NGX_FILE_ERROR) {
        return "cannot be read";
    }

    if (ngx_file_uniq(&fi) == state->keys_uniq
        && fi.st_mtim.tv_sec == state->keys_mtime.tv_sec
        && fi.st_mtim.tv_nsec == state->keys_mtime.tv_nsec
        && ngx_file_size(&fi) == state->keys_size)
    {
        return state->complaint[NGX_HTTP_TWOCARE_FILE_JWKS];
    }

    n = ngx_http_twocare_state_read(state->jwks.data, buf, sizeof(buf));
    if (n < 0) {
        return "cannot be read";
    }

    state->keys_uniq = ngx_file_uniq(&fi);
    state->keys_mtime = fi.st_mtim;
    state->keys_size = ngx_file_size(&fi);

    why = "is no set of keys";
    keys = jose_keys_load((struct str) { buf, (size_t) n }, NULL, &error,
                          &why);
    if (keys == NULL) {
        return why;
    }

    if (state->keys != NULL) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0, "twocare_state \"%V\": now %uz "
                      "keys", &state->dir, jose_keys_count(keys));
        jose_keys_free(state->keys);
    }

    state->keys = keys;

    return NULL;
}


static ssize_t
ngx_http_twocare_state_read(const u_char *name, char *buf, size_t size)
{
    size_t    got;
    ssize_t   n;
    ngx_fd_t  fd;

    fd = open((const char *) name, O_RDONLY|O_NONBLOCK|O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    for (got = 0, n = 1; n > 0 && got < size; got += n) {
        n = read(fd, buf + got, size - got);
        if (n == -1) {
            (void) ngx_close_file(fd);
            return NGX_ERROR;
        }
    }

    (void) ngx_close_file(fd);

    return (got < size) ? (ssize_t) got : NGX_ERROR;
}


static void
ngx_http_twocare_state_map(ngx_http_twocare_state_t *state,
    struct state_map *map, ngx_str_t *path, uint64_t magic,
    ngx_http_twocare_file_e file, ngx_log_t *log)
{
    int          rc;
    const char  *why;

    why = "cannot be read";
    rc = state_map_refresh(map, (const char *) path->data, magic, &why);

    ngx_http_twocare_state_complain(state, file, path,
                                    (rc < 0) ? why : NULL, log);
}


static void
ngx_http_twocare_state_complain(ngx_http_twocare_state_t *state,
    ngx_http_twocare_file_e file, ngx_str_t *path, const char *why,
    ngx_log_t *log)
{
    const char  *before;

    before = state->complaint[file];
    state->complaint[file] = why;

    if (why != NULL && (before == NULL || ngx_strcmp(before, why) != 0)) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "twocare_state: \"%V\": %s; what was read before stays",
                      path, why);

    } else if (why == NULL && before != NULL) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "twocare_state: \"%V\" is good again", path);
    }
}
