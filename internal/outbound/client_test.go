package outbound_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/outbound"
)

func get(t *testing.T, c *outbound.Client, address string) (outbound.Answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return c.Do(r)
}

func client(t *testing.T, cfg outbound.Config) *outbound.Client {
	t.Helper()
	c, err := outbound.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// names answers look-ups by a fixed list.
func names(list map[string][]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, a := range list[host] {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	}
}

// TestH6_ForbiddenAddressesAreNotDialled holds whatever the spelling: nothing is sent, not even a handshake.
func TestH6_ForbiddenAddressesAreNotDialled(t *testing.T) {
	t.Parallel()
	private := netip.MustParsePrefix("10.0.0.0/8")
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	lookup := names(map[string][]string{
		"2130706433": {"127.0.0.1"}, "0x7f.1": {"127.0.0.1"}, "inside.example": {"192.168.1.1"}, "mapped.example": {"::ffff:10.1.1.1"},
		"metadata.example": {"169.254.169.254"}, "six.example": {"fd00::1"}, "nothing.example": {},
	})
	guarded := client(t, outbound.Config{Lookup: lookup})
	open := client(t, outbound.Config{Lookup: lookup, Allow: everything})
	other := client(t, outbound.Config{Lookup: lookup, Allow: []netip.Prefix{private}})
	loopback := client(t, outbound.Config{Lookup: lookup, Loopback: true})
	for _, c := range []struct {
		name    string
		client  *outbound.Client
		address string
	}{
		{"http", guarded, "http://shop.example/"},
		{"http to this machine", guarded, "http://127.0.0.1:1/"},
		{"another scheme", guarded, "ftp://shop.example/"},
		{"user name", guarded, "https://u@shop.example/"},
		{"loopback", guarded, "https://127.0.0.1:1/"},
		{"loopback by name", guarded, "https://localhost:1/"},
		{"loopback in IPv6", guarded, "https://[::1]:1/"},
		{"mapped loopback", guarded, "https://[::ffff:127.0.0.1]:1/"},
		{"mapped loopback in hexadecimal", guarded, "https://[::ffff:7f00:1]:1/"},
		{"mapped public", guarded, "https://[::ffff:8.8.8.8]:1/"},
		{"embedded by NAT64", guarded, "https://[64:ff9b::7f00:1]:1/"},
		{"embedded by 6to4", guarded, "https://[2002:7f00:1::]:1/"},
		{"compatible", guarded, "https://[::127.0.0.1]:1/"},
		{"this network", guarded, "https://0.0.0.0:1/"},
		{"unspecified", guarded, "https://[::]:1/"},
		{"decimal", guarded, "https://2130706433:1/"},
		{"hexadecimal", guarded, "https://0x7f.1:1/"},
		{"private by name", guarded, "https://inside.example/"},
		{"private by mapped answer", guarded, "https://mapped.example/"},
		{"private", guarded, "https://172.16.0.1:1/"},
		{"unique local", guarded, "https://six.example/"},
		{"carrier's", guarded, "https://100.64.0.1:1/"},
		{"link-local", guarded, "https://169.254.1.1:1/"},
		{"link-local with a zone", guarded, "https://[fe80::1%25lo]:1/"},
		{"metadata", guarded, "https://metadata.example/"},
		{"multicast", guarded, "https://224.0.0.1:1/"},
		{"broadcast", guarded, "https://255.255.255.255:1/"},
		{"no address", guarded, "https://nothing.example/"},
		{"metadata with everything allowed", open, "https://metadata.example/"},
		{"metadata in IPv6 with everything allowed", open, "https://[fd00:ec2::254]:1/"},
		{"another network than the allowed one", other, "https://inside.example/"},
		{"a name that leads to this machine, in development", loopback, "https://2130706433:1/"},
		{"private, in development", loopback, "https://inside.example/"},
		{"http elsewhere, in development", loopback, "http://shop.example/"},
	} {
		if _, err := get(t, c.client, c.address); !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: %s: %v", c.name, c.address, err)
		}
	}
}

// TestH6_DNSRebindingChangesNothing: the address that was checked is the one that is dialled, and each request asks anew.
func TestH6_DNSRebindingChangesNothing(t *testing.T) {
	t.Parallel()
	var hits, asked atomic.Int64
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	// The first answer is allowed, every later one is this machine.
	c := client(t, outbound.Config{
		Roots: roots, Timeout: 200 * time.Millisecond, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			if asked.Add(1) == 1 {
				return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	})
	for range 2 {
		if _, err := get(t, c, "https://example.com:"+u.Port()+"/"); err == nil {
			t.Error("the request went through")
		}
	}
	if hits.Load() != 0 || asked.Load() != 2 {
		t.Errorf("%d requests arrived, %d look-ups", hits.Load(), asked.Load())
	}
}

func TestH6_AnswersAreBounded(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fine")) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", outbound.MaxAnswer+1)))
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*outbound.MaxAnswer))
	})
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		// Whoever returns writes the end of the answer, which may reach a client that has said goodbye but not yet gone.
		panic(http.ErrAbortHandler)
	})
	s := httptest.NewTLSServer(mux)
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	// An address that cannot be reached comes first, and the one that can is allowed for the name alone.
	within := func(limit time.Duration) *outbound.Client {
		return client(t, outbound.Config{
			Roots: roots, Timeout: limit, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Lookup: names(map[string][]string{"example.com": {"10.0.0.1", "127.0.0.1"}}),
		})
	}
	c := within(time.Minute)
	at := func(path string) string { return "https://example.com:" + u.Port() + path }
	if a, err := get(t, c, at("/ok")); err != nil || a.Status != http.StatusOK || string(a.Body) != "fine" {
		t.Errorf("ok: %+v, %v", a, err)
	}
	if a, err := get(t, c, at("/redirect")); err != nil || a.Status != http.StatusTemporaryRedirect || elsewhere.Load() != 0 {
		t.Errorf("redirect: %+v, %v; %d followed", a, err, elsewhere.Load())
	}
	for path, c := range map[string]*outbound.Client{"/long": c, "/headers": c, "/drip": within(400 * time.Millisecond)} {
		if _, err := get(t, c, at(path)); err == nil || errors.Is(err, outbound.ErrForbidden) || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := get(t, client(t, outbound.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}), s.URL); err == nil {
		t.Error("a certificate of nobody's was accepted")
	}
}

func TestH6_DevelopmentReachesThisMachine(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	c := client(t, outbound.Config{Loopback: true})
	for _, address := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		if a, err := get(t, c, address); err != nil || a.Status != http.StatusOK {
			t.Errorf("%s: %+v, %v", address, a, err)
		}
	}
}
