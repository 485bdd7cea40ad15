package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

func Example() {
	secret := []byte("at least 32 bytes, from a vault!")
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{})
	token, err := issuer.AccessToken(&auth.User{ID: "alice", Groups: auth.NewSet("staff")})
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := auth.HS256(secret).Verify(context.Background(), token)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := auth.Sending(&protowayv1.Rules{Permissions: []string{"chat.add_room"}, AllowGroups: []string{"staff"}}, false)
	fmt.Println(user.ID, user.In("staff"))
	fmt.Println(policy.Allow(user, time.Now()))
	// Output:
	// alice true
	// permission_denied: permission "chat.add_room" is missing
}

func ExampleHS256() {
	// While a secret is being replaced, both are accepted.
	verifier := auth.HS256([]byte("the secret of today: 32 or more!"),
		auth.OldSecret([]byte("the secret of yesterday, 32 also")),
		auth.Leeway(2*time.Second))
	fmt.Println(verifier.Check())
	fmt.Println(auth.HS256([]byte("short")).Check())
	// Output:
	// <nil>
	// auth: the HS256 secret has 5 bytes, at least 32 are needed
}

func ExamplePolicy_Tighten() {
	schema := auth.Sending(&protowayv1.Rules{Auth: proto.Bool(false)}, false)
	route := auth.Policy{AllowGroups: [][]string{{"staff", "admins"}}}
	fmt.Println(schema.Tighten(route).Allow(auth.Anonymous, time.Now()))
	// Output: unauthenticated: sign in: this message is for signed-in users
}

func ExampleTokenFromRequest() {
	r, _ := http.NewRequest(http.MethodGet, "https://example.org/ws?token=abc.def.ghi", nil)
	token, err := auth.TokenFromRequest(r)
	fmt.Println(token, err)
	fmt.Println(auth.Redact(r))
	// Output:
	// abc.def.ghi <nil>
	// https://example.org/ws?token=redacted
}

func ExampleMemoryStore() {
	ctx := context.Background()
	store := auth.NewMemoryStore(auth.MemoryConfig{MaxEntries: 1000})
	for range 2 {
		claimed, err := store.SetIfAbsent(ctx, "job 7", []byte("node a"), time.Minute)
		fmt.Println(claimed, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleNewJWT() {
	verifier := auth.NewJWT(auth.JWTConfig{
		Keys:        []auth.Key{auth.JWKS("https://id.example.com/.well-known/jwks.json", auth.JWKSConfig{})},
		Issuer:      "https://id.example.com",
		Audience:    []string{"gateway"},
		NoTokenType: true, // OpenID Connect has none
		Claims:      auth.ClaimNames{User: []string{"sub"}, Groups: "realm_access.roles"},
	})
	fmt.Println(verifier.Check())
	fmt.Println(auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.PEMKey([]byte("x"))}}).Check())
	// Output:
	// <nil>
	// auth: PEM: there is no block, such as -----BEGIN PUBLIC KEY-----
}

func ExampleRevocations() {
	ctx := context.Background()
	revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{})
	issuer := auth.NewIssuer([]byte("at least 32 bytes, from a vault!"), auth.IssuerConfig{Rotation: revocations})
	verifier := auth.Revoked(issuer.Verifier(), revocations)

	access, refresh, err := issuer.Tokens(&auth.User{ID: "alice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, next, err := issuer.Rotate(ctx, refresh)
	fmt.Println(next != refresh, err)
	fmt.Println(revocations.Revoke(ctx, auth.Revocation{UserID: "alice"}))
	_, err = verifier.Verify(ctx, access)
	fmt.Println(err)
	// Output:
	// true <nil>
	// <nil>
	// unauthenticated: the token was revoked: sign in again
}
