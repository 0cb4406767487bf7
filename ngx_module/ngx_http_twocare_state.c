
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


/* seconds; "alive" is touched every second */

#define NGX_HTTP_TWOCARE_WARN_AGE  10


typedef enum {
    NGX_HTTP_TWOCARE_FILE_CLIENTS = 0,
    NGX_HTTP_TWOCARE_FILE_REVOKED,
    NGX_HTTP_TWOCARE_FILE_ALIVE
} ngx_http_twocare_file_e;


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

    ngx_http_twocare_keyfile_refresh(&state->jwks, log);

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


void
ngx_http_twocare_state_close(ngx_http_twocare_state_t *state)
{
    jose_keys_free(state->jwks.keys);
    state->jwks.keys = NULL;

    state_map_close(&state->clients);
    state_map_close(&state->revoked);
}


ngx_uint_t
ngx_http_twocare_state_ready(ngx_http_twocare_state_t *state)
{
    return state->jwks.keys != NULL
           && state->clients.header != NULL
           && state->revoked.header != NULL
           && state->touched != 0;
}


time_t
ngx_http_twocare_state_age(ngx_http_twocare_state_t *state)
{
    return ngx_max(ngx_time() - state->touched, 0);
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
