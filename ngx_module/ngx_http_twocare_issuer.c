
/*
 * Issuers: whose tokens a location accepts, and by which keys.  An issuer's
 * keys are its own: a kid is looked for among them alone, so none can sign for
 * another, and secrets never lie beside public keys.
 */


#include "ngx_http_twocare.h"


typedef struct {
    ngx_str_t                   name;
    ngx_int_t                 (*set)(ngx_conf_t *cf,
                                     ngx_http_twocare_issuer_t *issuer,
                                     ngx_str_t *value);
} ngx_http_twocare_issuer_param_t;


static ngx_int_t ngx_http_twocare_issuer_audience(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value);
static ngx_int_t ngx_http_twocare_issuer_keys(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value);
static ngx_int_t ngx_http_twocare_issuer_secrets(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value);
static ngx_int_t ngx_http_twocare_issuer_profile(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value);
static ngx_int_t ngx_http_twocare_issuer_client(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value);
static ngx_int_t ngx_http_twocare_issuer_file(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value, ngx_uint_t secret);
static ngx_int_t ngx_http_twocare_issuer_kids(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_keyfile_t *file);
static ngx_int_t ngx_http_twocare_issuer_param(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *arg);
static uint64_t ngx_http_twocare_issuer_print(
    ngx_http_twocare_issuer_t *issuer);
static ngx_http_twocare_keyfile_t **ngx_http_twocare_issuer_keyfiles(
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_issuer_t *issuer,
    ngx_http_twocare_keyfile_t **own, ngx_uint_t *n);


static ngx_http_twocare_issuer_param_t  ngx_http_twocare_issuer_params[] = {
    { ngx_string("audience="), ngx_http_twocare_issuer_audience },
    { ngx_string("keys="), ngx_http_twocare_issuer_keys },
    { ngx_string("secrets="), ngx_http_twocare_issuer_secrets },
    { ngx_string("profile="), ngx_http_twocare_issuer_profile },
    { ngx_string("client="), ngx_http_twocare_issuer_client },
    { ngx_null_string, NULL }
};


/* twocare_issuer uri [parameter=value ...] */

char *
ngx_http_twocare_set_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_twocare_issuer_t  *issuer, **issuerp;

    value = cf->args->elts;

    if (lcf->issuers == NGX_CONF_UNSET_PTR) {
        lcf->issuers = ngx_array_create(cf->pool, 2,
                                        sizeof(ngx_http_twocare_issuer_t *));
        if (lcf->issuers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (value[1].len == 0) {
        return "must be the \"iss\" of tokens";
    }

    if (ngx_http_twocare_issuer_find(lcf, ngx_http_twocare_str(value[1]))
        != NULL)
    {
        return "is duplicate";
    }

    issuer = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_issuer_t));
    issuerp = ngx_array_push(lcf->issuers);

    if (issuer == NULL || issuerp == NULL
        || ngx_array_init(&issuer->keyfiles, cf->pool, 2,
                          sizeof(ngx_http_twocare_keyfile_t *))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *issuerp = issuer;
    issuer->uri = value[1];
    ngx_str_set(&issuer->client, "client_id");

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_twocare_issuer_param(cf, issuer, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    issuer->print = ngx_http_twocare_issuer_print(issuer);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_twocare_issuer_param(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *arg)
{
    ngx_str_t                         value;
    ngx_http_twocare_issuer_param_t  *param;

    for (param = ngx_http_twocare_issuer_params; param->name.len; param++) {

        if (arg->len > param->name.len
            && ngx_memcmp(arg->data, param->name.data, param->name.len) == 0)
        {
            value.data = arg->data + param->name.len;
            value.len = arg->len - param->name.len;

            return param->set(cf, issuer, &value);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": there are audience=uri, "
                       "keys=file, secrets=file, profile=at+jwt|jwt and "
                       "client=claim", arg);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_twocare_issuer_audience(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value)
{
    issuer->audience = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_issuer_keys(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value)
{
    return ngx_http_twocare_issuer_file(cf, issuer, value, 0);
}


static ngx_int_t
ngx_http_twocare_issuer_secrets(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value)
{
    return ngx_http_twocare_issuer_file(cf, issuer, value, 1);
}


static ngx_int_t
ngx_http_twocare_issuer_profile(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value)
{
    struct str  profile;

    profile = ngx_http_twocare_str(*value);

    if (!str_eqz(profile, "at+jwt") && !str_eqz(profile, "jwt")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid profile \"%V\": there are \"at+jwt\" and "
                           "\"jwt\"", value);
        return NGX_ERROR;
    }

    issuer->plain = str_eqz(profile, "jwt");

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_issuer_client(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value)
{
    issuer->client = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_issuer_file(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_str_t *value, ngx_uint_t secret)
{
    ngx_http_twocare_keyfile_t  *file, **filep;

    filep = issuer->keyfiles.elts;

    if (issuer->keyfiles.nelts != 0 && filep[0]->secret != secret) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "an issuer has either \"keys=\" or \"secrets=\": "
                           "shared secrets never lie beside public keys");
        return NGX_ERROR;
    }

    file = ngx_http_twocare_keyfile_add(cf, value, secret);

    if (file == NULL
        || ngx_http_twocare_issuer_kids(cf, issuer, file) != NGX_OK)
    {
        return NGX_ERROR;
    }

    filep = ngx_array_push(&issuer->keyfiles);
    if (filep == NULL) {
        return NGX_ERROR;
    }

    *filep = file;

    return NGX_OK;
}


/* no kid may name two keys of one issuer */

static ngx_int_t
ngx_http_twocare_issuer_kids(ngx_conf_t *cf,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_keyfile_t *file)
{
    size_t                       k;
    ngx_str_t                    kid;
    struct str                   s;
    ngx_uint_t                   i;
    ngx_http_twocare_keyfile_t  **filep;

    filep = issuer->keyfiles.elts;

    for (i = 0; i < issuer->keyfiles.nelts; i++) {
        for (k = 0; k < jose_keys_count(file->keys); k++) {

            s = jose_key_kid(jose_keys_at(file->keys, k));

            if (jose_keys_find(filep[i]->keys, s) != NULL) {
                kid.data = (u_char *) s.p;
                kid.len = s.n;

                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "kid \"%V\" is in \"%V\" and in \"%V\"",
                                   &kid, &filep[i]->path, &file->path);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static uint64_t
ngx_http_twocare_issuer_print(ngx_http_twocare_issuer_t *issuer)
{
    const struct siphash_key  fixed = { 0, 0 };

    struct str  parts[] = {
        ngx_http_twocare_str(issuer->uri),
        ngx_http_twocare_str(issuer->client),
        issuer->plain ? STR("jwt") : STR("at+jwt"),
    };

    return siphash_parts(fixed, parts, sizeof(parts) / sizeof(parts[0]));
}


/* when everything that a location needs to judge tokens is there: NULL */

char *
ngx_http_twocare_issuers_check(ngx_conf_t *cf,
    ngx_http_twocare_loc_conf_t *conf)
{
    ngx_uint_t                   i;
    ngx_http_twocare_issuer_t  **issuer;

    if (conf->zone == NULL || conf->issuers == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"twocare_auth\" needs \"twocare_zone\" and "
                           "\"twocare_issuer\"");
        return NGX_CONF_ERROR;
    }

    issuer = conf->issuers->elts;

    for (i = 0; i < conf->issuers->nelts; i++) {

        if (issuer[i]->audience.len == 0 && conf->audience.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"twocare_issuer\" \"%V\" needs \"audience=\" "
                               "or \"twocare_audience\"", &issuer[i]->uri);
            return NGX_CONF_ERROR;
        }

        if (issuer[i]->keyfiles.nelts == 0 && conf->state == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"twocare_issuer\" \"%V\" needs \"keys=\", "
                               "\"secrets=\" or \"twocare_state\"",
                               &issuer[i]->uri);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_http_twocare_issuer_t *
ngx_http_twocare_issuer_find(ngx_http_twocare_loc_conf_t *lcf, struct str iss)
{
    ngx_uint_t                   i;
    ngx_http_twocare_issuer_t  **issuer;

    issuer = lcf->issuers->elts;

    for (i = 0; i < lcf->issuers->nelts; i++) {
        if (str_eq(iss, ngx_http_twocare_str(issuer[i]->uri))) {
            return issuer[i];
        }
    }

    return NULL;
}


uint64_t
ngx_http_twocare_issuer_generation(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_issuer_t *issuer)
{
    uint64_t                      generation;
    ngx_uint_t                    i, n;
    ngx_http_twocare_keyfile_t  **file, *own;

    generation = issuer->print;
    file = ngx_http_twocare_issuer_keyfiles(lcf, issuer, &own, &n);

    for (i = 0; i < n; i++) {
        if (file[i]->keys != NULL) {
            generation += jose_keys_generation(file[i]->keys);
        }
    }

    return generation;
}


/* a kid that two files have after one was changed says nothing: no key */

const struct jose_key *
ngx_http_twocare_issuer_key(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_issuer_t *issuer, struct str kid)
{
    ngx_uint_t                    i, n;
    const struct jose_key        *key, *found;
    ngx_http_twocare_keyfile_t  **file, *own;

    found = NULL;
    file = ngx_http_twocare_issuer_keyfiles(lcf, issuer, &own, &n);

    for (i = 0; i < n; i++) {

        key = (file[i]->keys == NULL) ? NULL
                                      : jose_keys_find(file[i]->keys, kid);

        if (key != NULL && found != NULL) {
            return NULL;
        }

        if (key != NULL) {
            found = key;
        }
    }

    return found;
}


static ngx_http_twocare_keyfile_t **
ngx_http_twocare_issuer_keyfiles(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_keyfile_t **own,
    ngx_uint_t *n)
{
    if (issuer->keyfiles.nelts != 0) {
        *n = issuer->keyfiles.nelts;
        return issuer->keyfiles.elts;
    }

    *own = &lcf->state->jwks;
    *n = 1;

    return own;
}
