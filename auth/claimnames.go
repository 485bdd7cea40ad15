package auth

// ClaimNames are where a token says who the user is. A name with points that no
// claim bears is a way into objects: "realm_access.roles" is the roles of Keycloak.
// The defaults are those of djangorestframework-simplejwt and of Django's users.
type ClaimNames struct {
	// User are the claims that may have the user's id; the first one that is there
	// counts. Default: "user_id", "sub", "id"; for [HS256] only "user_id". State the
	// one that your issuer writes if users can have a say in the others.
	User []string
	// Name is a string. Default: "username".
	Name string
	// Permissions is a list of strings; "scope" and "scp" may be one string with
	// spaces between, as in OAuth. Default: "permissions".
	Permissions string
	// Groups is the same. Default: "groups".
	Groups string
	// Superuser is a bool. Default: "is_superuser".
	Superuser string
}

func (n ClaimNames) withDefaults() ClaimNames {
	for field, name := range map[*string]string{
		&n.Name: claimName, &n.Permissions: claimPermissions, &n.Groups: claimGroups, &n.Superuser: claimSuperuser,
	} {
		if *field == "" {
			*field = name
		}
	}
	return n
}
