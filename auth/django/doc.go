// Package django signs in the users of a Django project: by password, by token and
// by the cookie of a session, with the database that the project has.
//
//	store, err := postgres.Open(ctx, "postgres://localhost/shop", django.Config{})
//	...
//	sessions, err := store.Sessions(ctx, django.SessionConfig{SecretKey: secretKey})
//	...
//	protoway.Config{
//		Verifier: auth.Current(auth.HS256([]byte(secretKey)), store),
//		Paths: map[string]protoway.Path{"/ws": {Identify: sessions.Identify}},
//	}
//
// The one idea: Django stays where users are made and changed. The store reads the
// tables of django.contrib.auth and writes nothing, neither last_login nor a
// password in a newer format. Formats and names are those of Django 5.2.
//
// The drivers of databases are in the packages postgres and sqlite, so that a
// program links only the one that it uses.
package django
