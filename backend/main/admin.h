/*
 * The rows of `twocare admin`: tables of commands as in main/command.h. None
 * of them needs psql; all change the database that the settings name, and the
 * edges follow within a second.
 */
#ifndef MAIN_ADMIN_H
#define MAIN_ADMIN_H

/* admin_client.c */
int	admin_client_create(int argc, char **argv);
int	admin_client_change(int argc, char **argv);
int	admin_client_list(int argc, char **argv);
int	admin_client_disable(int argc, char **argv);
int	admin_client_enable(int argc, char **argv);
int	admin_client_rotate(int argc, char **argv);

/* admin_key.c */
int	admin_key_rotate(int argc, char **argv);
int	admin_key_list(int argc, char **argv);
int	admin_revoke(int argc, char **argv);

/* admin_token.c */
int	admin_token(int argc, char **argv);

/* admin_state.c */
int	admin_state(int argc, char **argv);
int	admin_state_build(int argc, char **argv);

#endif
