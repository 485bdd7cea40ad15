// Package config reads what is data in a [protoway.Config] from a YAML file and
// from variables of the environment.
//
//	settings, err := config.Load("protoway.yaml", os.Environ())
//	...
//	c, err := settings.Server(protoway.Config{
//		Paths: map[string]protoway.Path{"/ws": {Receivers: list}},
//	})
//	...
//	server, err := protoway.New(c)
//	...
//	err = server.ListenAndServe(ctx, settings.Listen, nil)
//
// The one idea: each key is one row of a table, and from that row follow its place
// in the file, its variable (limits.max_groups is PROTOWAY_LIMITS_MAX_GROUPS), its
// check, its line of output and its documentation. A variable wins over the file,
// the file over the code, the code over the default. Whatever is not understood is
// refused, with its line and with all the rest that is wrong.
package config
