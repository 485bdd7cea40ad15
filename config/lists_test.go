package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/config"
)

func TestProxiesAreAListOrAText(t *testing.T) {
	want := []string{"10.0.0.0/8", "::1"}
	for file, environ := range map[string][]string{
		"trusted_proxies: [10.0.0.0/8, '::1']": nil,
		"trusted_proxies: 10.0.0.0/8, ::1":     nil,
		"":                                     {"PROTOWAY_TRUSTED_PROXIES=10.0.0.0/8,::1"},
		"trusted_proxies: [127.0.0.1]\nstrict: false":        {"PROTOWAY_TRUSTED_PROXIES=10.0.0.0/8, ::1"},
		"trusted_proxies: [10.0.0.0/8, '::1']\nstrict: true": {"PROTOWAY_TRUSTED_PROXIES="},
	} {
		settings, err := config.Read("protoway.yaml", strings.NewReader(file), environ)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if diff := cmp.Diff(want, settings.TrustedProxies); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", file, environ, diff)
		}
	}
}

func TestNoProxiesWinOverThoseOfCode(t *testing.T) {
	for file, want := range map[string]int{"": 1, "trusted_proxies: []": 0} {
		made, err := read(t, file).Server(protoway.Config{TrustedProxies: []string{"10.0.0.1"}})
		if err != nil || len(made.TrustedProxies) != want {
			t.Errorf("%q: %v, %v", file, made.TrustedProxies, err)
		}
	}
}

func TestWrongProxiesAreFound(t *testing.T) {
	for _, file := range []string{"trusted_proxies: [proxy.example.com]", "trusted_proxies: 10.0.0.0/33", "trusted_proxies: [[10.0.0.1]]", "limits: {byte_burst: -1}"} {
		if _, err := config.Read("protoway.yaml", strings.NewReader(file), nil); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := protoway.New(protoway.Config{TrustedProxies: []string{"proxy"}, Paths: map[string]protoway.Path{"/ws": {}}}); err == nil || !strings.Contains(err.Error(), `trusted proxy "proxy"`) {
		t.Errorf("New: %v", err)
	}
}
