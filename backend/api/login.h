/* The routes of the authorization server: adapters to oauth/. */
#ifndef API_LOGIN_H
#define API_LOGIN_H

#include "api/route.h"

route_handler	login_token, login_metadata;

#endif
