package auth_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// claimsWith returns the payload of a good access token of alice, which lives
// five minutes from start, with more claims behind, which win if repeated.
func claimsWith(more string) string {
	return fmt.Sprintf(`{"token_type":"access","exp":%d,"iat":%d,"jti":"0a1b","user_id":"alice"%s}`,
		start.Add(5*time.Minute).Unix(), start.Unix(), more)
}

// Tokens as djangorestframework-simplejwt writes them: PyJWT's header and the
// order of claims of AccessToken.for_user, user_id once a number and once a string.
const (
	goldenSecret = "django-insecure-golden-secret-of-fifty-characters!"
	goldenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
	goldenNumber = goldenHeader + "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzY3MjI1OTAwLCJpYXQiOjE3NjcyMjU2MDAsImp0aSI6" +
		"IjBhMWIyYzNkNGU1ZjYwNzE4MjkzYTRiNWM2ZDdlOGY5IiwidXNlcl9pZCI6MTAwMDAwMH0.Mrw7OjxS47hyv5Et4S-5MiFf6BdlWkdIH7LOHxes02A"
	goldenString = goldenHeader + "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzY3MjI1OTAwLCJpYXQiOjE3NjcyMjU2MDAsImp0aSI6" +
		"IjBhMWIyYzNkNGU1ZjYwNzE4MjkzYTRiNWM2ZDdlOGY5IiwidXNlcl9pZCI6IjcifQ.zwKAUWpu99aG9_f6tOrvyR1S8BOmjD0RU0NOVxRDdzY"
)

func TestHS256AcceptsSimpleJWT(t *testing.T) {
	verifier := auth.HS256([]byte(goldenSecret), auth.Clock(at(start)))
	for token, id := range map[string]string{
		goldenNumber: "1000000", goldenString: "7",
		"Bearer " + goldenNumber: "1000000", " bearer   " + goldenString + "\n": "7",
	} {
		user, err := verifier.Verify(t.Context(), token)
		if err != nil {
			t.Errorf("token of %s: %v", id, err)
			continue
		}
		if user.ID != id || user.TokenID != "0a1b2c3d4e5f60718293a4b5c6d7e8f9" ||
			!user.IssuedAt.Equal(start) || !user.Expires.Equal(start.Add(5*time.Minute)) || user.Superuser {
			t.Errorf("token of %s is of %+v", id, user)
		}
	}
}

func TestHS256ReadsOptionalClaims(t *testing.T) {
	verifier := auth.HS256(secret, auth.Clock(at(start)))
	user, err := verifier.Verify(t.Context(), signHS256(claimsWith(
		`,"username":"Alice","permissions":["b","a"],"groups":["g"],"is_superuser":true,"unknown":{"x":1}`)))
	if err != nil {
		t.Fatal(err)
	}
	if user.Name != "Alice" || !slices.Equal(user.Permissions.Names(), []string{"a", "b"}) ||
		!slices.Equal(user.Groups.Names(), []string{"g"}) || !user.Superuser {
		t.Errorf("user is %+v", user)
	}
	user, err = verifier.Verify(t.Context(), signHS256(claimsWith(
		`,"username":null,"permissions":null,"groups":[],"is_superuser":null,"jti":null`)))
	if err != nil || user.Name != "" || user.Permissions.Len() != 0 || user.Superuser || user.TokenID != "" {
		t.Errorf("null is not absent: %+v, %v", user, err)
	}
}

func TestHS256KeepsNumericIDs(t *testing.T) {
	verifier := auth.HS256(secret, auth.Clock(at(start)))
	for _, id := range []string{"0", "-1", "1000000", "9007199254740993", "123456789012345678901234567890"} {
		user, err := verifier.Verify(t.Context(), signHS256(claimsWith(`,"user_id":`+id)))
		if err != nil || user.ID != id {
			t.Errorf("user_id %s is %v, %v", id, user, err)
		}
	}
}

func TestHS256RefusesForgeries(t *testing.T) {
	good := signHS256(claimsWith(""))
	parts := strings.Split(good, ".")
	evil := strings.Split(signHS256(claimsWith(`,"is_superuser":true`)), ".")
	none := strings.Split(sign(`{"alg":"none","typ":"JWT"}`, claimsWith(""), sha256.New, secret), ".")
	tests := []struct{ name, token, text string }{
		{"alg none without a signature", none[0] + "." + none[1] + ".", "algorithm is not accepted"},
		{"alg none with a signature", strings.Join(none, "."), "algorithm is not accepted"},
		{"alg in another case", sign(`{"alg":"hs256"}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"alg RS256 over our secret", sign(`{"alg":"RS256","typ":"JWT"}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"alg ES256", sign(`{"alg":"ES256"}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"alg HS384, well signed", sign(`{"alg":"HS384"}`, claimsWith(""), sha512.New384, secret), "algorithm is not accepted"},
		{"alg HS512, well signed", sign(`{"alg":"HS512"}`, claimsWith(""), sha512.New, secret), "algorithm is not accepted"},
		{"alg unknown", sign(`{"alg":"secret-looking-value"}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"alg no string", sign(`{"alg":["HS256"]}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"alg missing", sign(`{"typ":"JWT"}`, claimsWith(""), sha256.New, secret), "algorithm is not accepted"},
		{"critical extension", sign(`{"alg":"HS256","crit":["b64"],"b64":false}`, claimsWith(""), sha256.New, secret), "extension (crit)"},
		{"another secret", sign(headerHS256, claimsWith(""), sha256.New, other), "bad signature"},
		{"payload of another token", parts[0] + "." + evil[1] + "." + parts[2], "bad signature"},
		{"signature cut", good[:len(good)-3], "bad signature"},
		{"signature missing", parts[0] + "." + parts[1] + ".", "bad signature"},
		{"unused bits of the last character", good[:len(good)-1] + string(good[len(good)-1]+1), "not a token"},
		{"four parts", good + "." + parts[2], "not a token"},
		{"two parts", parts[0] + "." + parts[1], "not a token"},
		{"padded", parts[0] + "==." + parts[1] + "." + parts[2], "not a token"},
		{"garbage", "garbage-garbage-garbage", "not a token"},
		{"three parts of garbage", "garbage-garb.garbage-garb.garbage-garb", "not a token"},
		{"header no object", sign(`"HS256"`, claimsWith(""), sha256.New, secret), "not a token"},
		{"payload no object", signHS256(`["access"]`), "not a token"},
		{"payload no JSON", signHS256(`user_id=alice`), "not a token"},
		{"empty", "", "token is empty"},
		{"bearer of nothing", "Bearer ", "token is empty"},
		{"huge", signHS256(claimsWith(`,"x":"` + strings.Repeat("x", auth.MaxTokenBytes) + `"`)), "token is too long"},
	}
	verifier := auth.HS256(secret, auth.Clock(at(start)))
	if _, err := verifier.Verify(t.Context(), good); err != nil {
		t.Fatalf("the good token is refused: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			user, err := verifier.Verify(t.Context(), test.token)
			wantRefusal(t, err, status.Unauthenticated, test.text, test.token)
			if user != nil {
				t.Errorf("a user comes with the error: %+v", user)
			}
		})
	}
}

func TestHS256RefusesClaims(t *testing.T) {
	tests := []struct{ name, more, text string }{
		{"expired", `,"exp":1767225600`, "token expired at 2026-01-01T00:00:00Z"},
		{"expired long ago", `,"exp":0`, "token expired at 1970-01-01T00:00:00Z"},
		{"no expiry", `,"exp":null`, "exp is missing"},
		{"expiry as a string", `,"exp":"1767225900"`, "exp is not a number"},
		{"expiry past all calendars", `,"exp":1e300`, "exp is out of range"},
		{"expiry no float", `,"exp":1e999`, "exp is out of range"},
		{"negative expiry", `,"exp":-1`, "exp is out of range"},
		{"not valid yet", `,"nbf":1767225601`, "token is not valid before 2026-01-01T00:00:01Z"},
		{"nbf that overflows", `,"nbf":1e300`, "nbf is out of range"},
		{"nbf as a string", `,"nbf":"0"`, "nbf is not a number"},
		{"issued in the future", `,"iat":1767225601`, "issued in the future, at 2026-01-01T00:00:01Z"},
		{"iat as a bool", `,"iat":true`, "iat is not a number"},
		{"refresh token", `,"token_type":"refresh"`, `wrong token_type: it must be "access"`},
		{"no token_type", `,"token_type":null`, "wrong token_type"},
		{"token_type in another case", `,"token_type":"Access"`, "wrong token_type"},
		{"token_type no string", `,"token_type":1`, "token_type is not a string"},
		{"no user_id", `,"user_id":null`, "user_id is missing"},
		{"empty user_id", `,"user_id":""`, "user_id is empty"},
		{"user_id a fraction", `,"user_id":1.5`, "not an integer"},
		{"user_id with an exponent", `,"user_id":1e6`, "not an integer"},
		{"user_id a bool", `,"user_id":true`, "neither a string nor an integer"},
		{"user_id a list", `,"user_id":["alice"]`, "neither a string nor an integer"},
		{"username no string", `,"username":1`, "username is not a string"},
		{"jti no string", `,"jti":1`, "jti is not a string"},
		{"permissions no list", `,"permissions":"all"`, "permissions is not a list"},
		{"permissions of numbers", `,"permissions":["a",1]`, "permissions is not a list of strings"},
		{"groups an object", `,"groups":{"a":true}`, "groups is not a list"},
		{"superuser a string", `,"is_superuser":"false"`, "is_superuser is not a bool"},
		{"superuser a number", `,"is_superuser":1`, "is_superuser is not a bool"},
	}
	verifier := auth.HS256(secret, auth.Clock(at(start)))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token := signHS256(claimsWith(test.more))
			_, err := verifier.Verify(t.Context(), token)
			wantRefusal(t, err, status.Unauthenticated, test.text, token)
		})
	}
	for _, payload := range []string{`{}`, `null`} {
		_, err := verifier.Verify(t.Context(), signHS256(payload))
		wantRefusal(t, err, status.Unauthenticated, "exp is missing", "")
	}
}

func TestHS256Leeway(t *testing.T) {
	expiry := start.Add(5 * time.Minute)
	tests := []struct {
		name string
		now  time.Time
		good bool
	}{
		{"at the last moment", expiry.Add(10*time.Second - 1), true},
		{"a moment later", expiry.Add(10 * time.Second), false},
		{"issued on a faster clock", start.Add(-10 * time.Second), true},
		{"issued on a much faster clock", start.Add(-10*time.Second - 1), false},
	}
	token := signHS256(claimsWith(fmt.Sprintf(`,"nbf":%d`, start.Unix())))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			verifier := auth.HS256(secret, auth.Clock(at(test.now)), auth.Leeway(10*time.Second))
			user, err := verifier.Verify(t.Context(), token)
			if (err == nil) != test.good {
				t.Fatalf("error is %v", err)
			}
			if test.good && (!user.Expires.Equal(expiry.Add(10*time.Second)) || user.Expired(test.now)) {
				t.Errorf("an accepted user expires at %s", user.Expires)
			}
		})
	}
}

func TestHS256OldSecrets(t *testing.T) {
	verifier := auth.HS256(secret, auth.OldSecret(other), auth.OldSecret([]byte(goldenSecret)), auth.Clock(at(start)))
	for _, key := range [][]byte{secret, other, []byte(goldenSecret)} {
		if _, err := verifier.Verify(t.Context(), sign(headerHS256, claimsWith(""), sha256.New, key)); err != nil {
			t.Errorf("a token signed with %q is refused: %v", key, err)
		}
	}
	_, err := verifier.Verify(t.Context(), sign(headerHS256, claimsWith(""), sha256.New, []byte("guess")))
	wantRefusal(t, err, status.Unauthenticated, "bad signature", "")
}

func TestHS256KeepsItsSecret(t *testing.T) {
	mine := slices.Clone(secret)
	verifier := auth.HS256(mine, auth.Clock(at(start)))
	clear(mine)
	if _, err := verifier.Verify(t.Context(), signHS256(claimsWith(""))); err != nil {
		t.Errorf("the verifier shares the caller's slice: %v", err)
	}
}

func TestHS256Check(t *testing.T) {
	tests := []struct {
		name     string
		verifier *auth.JWT
		text     string
	}{
		{"no secret", auth.HS256(nil), "secret has 0 bytes, at least 32"},
		{"short secret", auth.HS256(secret[:31]), "secret has 31 bytes"},
		{"short old secret", auth.HS256(secret, auth.OldSecret(other[:8])), "old secret has 8 bytes"},
		{"negative leeway", auth.HS256(secret, auth.Leeway(-time.Second)), "leeway -1s is negative"},
		{"zero value", &auth.JWT{}, "made by HS256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.verifier.Check()
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("check says %v", err)
			}
			for _, key := range [][]byte{{}, secret, secret[:31]} {
				token := sign(headerHS256, claimsWith(""), sha256.New, key)
				_, err = test.verifier.Verify(t.Context(), token)
				wantRefusal(t, err, status.Internal, "tokens cannot be verified", token)
			}
		})
	}
	if err := auth.HS256(secret, auth.OldSecret(other), auth.Clock(nil)).Check(); err != nil {
		t.Errorf("a good configuration is refused: %v", err)
	}
}
