package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

var testProxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("192.168.7.9/32"),
	netip.MustParsePrefix("2001:db8:1::/48"),
}

func clientOf(t *testing.T, header, peer string, lines ...string) string {
	t.Helper()
	p, err := newProxies(testProxies, header)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	return p.client(r).String()
}

// The address depends on the TCP peer alone unless the peer is a trusted
// proxy, and then on the right-most hop that is not one.
func TestI24_ClientAddress(t *testing.T) {
	const (
		outsider = "203.0.113.7:4711"
		proxy    = "10.1.2.3:555"
	)
	for _, tt := range []struct {
		name, peer string
		header     string
		lines      []string
		want       string
	}{
		{"no header", outsider, "", nil, "203.0.113.7"},
		{"no header from proxy", proxy, "", nil, "10.1.2.3"},
		{"untrusted peer, XFF", outsider, "", []string{"X-Forwarded-For: 1.2.3.4"}, "203.0.113.7"},
		{"untrusted peer claims a proxy", outsider, "", []string{"X-Forwarded-For: 10.0.0.1"}, "203.0.113.7"},
		{"untrusted peer, Forwarded", outsider, "Forwarded", []string{"Forwarded: for=1.2.3.4"}, "203.0.113.7"},
		{"untrusted peer, X-Real-IP", outsider, "", []string{"X-Real-Ip: 1.2.3.4"}, "203.0.113.7"},
		{"X-Real-IP from proxy", proxy, "", []string{"X-Real-Ip: 1.2.3.4"}, "10.1.2.3"},
		{"True-Client-IP from proxy", proxy, "", []string{"True-Client-Ip: 1.2.3.4"}, "10.1.2.3"},
		{"CF-Connecting-IP from proxy", proxy, "", []string{"Cf-Connecting-Ip: 1.2.3.4"}, "10.1.2.3"},
		{"one hop", proxy, "", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"spoofed left hop", proxy, "", []string{"X-Forwarded-For: 1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"spoofed left proxy", proxy, "", []string{"X-Forwarded-For: 10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", proxy, "", []string{"X-Forwarded-For: 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two proxies, spoofed left", proxy, "", []string{"X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"several lines", proxy, "", []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.2"}, "203.0.113.9"},
		{"all trusted", proxy, "", []string{"X-Forwarded-For: 10.0.0.5, 10.0.0.2"}, "10.0.0.5"},
		{"single-host network", "192.168.7.9:1", "", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"neighbour of it", "192.168.7.10:1", "", []string{"X-Forwarded-For: 203.0.113.9"}, "192.168.7.10"},
		{"IPv6 hop", proxy, "", []string{"X-Forwarded-For: 2001:db8:2::1"}, "2001:db8:2::1"},
		{"IPv6 hop in brackets", proxy, "", []string{"X-Forwarded-For: [2001:db8:2::1]"}, "2001:db8:2::1"},
		{"IPv6 hop with port", proxy, "", []string{"X-Forwarded-For: [2001:db8:2::1]:80"}, "2001:db8:2::1"},
		{"IPv4 hop with port", proxy, "", []string{"X-Forwarded-For: 203.0.113.9:8080"}, "203.0.113.9"},
		{"v4-mapped hop", proxy, "", []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, "203.0.113.9"},
		{"v4-mapped peer", "[::ffff:10.1.2.3]:5", "", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"IPv6 peer", "[2001:db8:1::5]:5", "", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"IPv6 peer with zone", "[fe80::1%eth0]:5", "", []string{"X-Forwarded-For: 203.0.113.9"}, "fe80::1"},
		{"spaces and tabs", proxy, "", []string{"X-Forwarded-For: \t203.0.113.9 \t"}, "203.0.113.9"},
		{"empty", proxy, "", []string{"X-Forwarded-For: "}, "10.1.2.3"},
		{"trailing comma", proxy, "", []string{"X-Forwarded-For: 203.0.113.9,"}, "10.1.2.3"},
		{"word", proxy, "", []string{"X-Forwarded-For: unknown"}, "10.1.2.3"},
		{"hidden left of an outsider", proxy, "", []string{"X-Forwarded-For: unknown, 203.0.113.9"}, "203.0.113.9"},
		{"malformed behind a proxy", proxy, "", []string{"X-Forwarded-For: <script>, 10.0.0.2"}, "10.1.2.3"},
		{"leading zeros", proxy, "", []string{"X-Forwarded-For: 203.000.113.009"}, "10.1.2.3"},
		{"decimal address", proxy, "", []string{"X-Forwarded-For: 3405803785"}, "10.1.2.3"},
		{"zone", proxy, "", []string{"X-Forwarded-For: fe80::1%eth0"}, "10.1.2.3"},
		{"unspecified", proxy, "", []string{"X-Forwarded-For: 0.0.0.0"}, "10.1.2.3"},
		{"NUL", proxy, "", []string{"X-Forwarded-For: 203.0.113.9\x00"}, "10.1.2.3"},
		{"newline", proxy, "", []string{"X-Forwarded-For: 203.0.113.9\n1.2.3.4"}, "10.1.2.3"},
		{"other header ignored", proxy, "", []string{"Forwarded: for=1.2.3.4"}, "10.1.2.3"},
		{"other header ignored beside", proxy, "", []string{"Forwarded: for=1.2.3.4", "X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"Forwarded", proxy, "forwarded", []string{"Forwarded: for=203.0.113.9;proto=https;by=10.0.0.1"}, "203.0.113.9"},
		{"Forwarded, XFF spoofed", proxy, "Forwarded", []string{"X-Forwarded-For: 1.2.3.4", "Forwarded: For=203.0.113.9"}, "203.0.113.9"},
		{"Forwarded IPv6", proxy, "Forwarded", []string{`Forwarded: for="[2001:db8:2::1]:4711"`}, "2001:db8:2::1"},
		{"Forwarded chain", proxy, "Forwarded", []string{`Forwarded: for=1.2.3.4, for=203.0.113.9;host="a,b", for=10.0.0.2`}, "203.0.113.9"},
		{"Forwarded obfuscated", proxy, "Forwarded", []string{"Forwarded: for=_hidden"}, "10.1.2.3"},
		{"Forwarded without for", proxy, "Forwarded", []string{"Forwarded: proto=https"}, "10.1.2.3"},
		{"Forwarded two for", proxy, "Forwarded", []string{"Forwarded: for=1.2.3.4;for=203.0.113.9"}, "10.1.2.3"},
		{"Forwarded open quote", proxy, "Forwarded", []string{`Forwarded: for="203.0.113.9, for=10.0.0.2`}, "10.1.2.3"},
		{"UNIX socket", "@", "", []string{"X-Forwarded-For: 203.0.113.9"}, "::"},
		{"no peer", "", "", nil, "::"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := clientOf(t, tt.header, tt.peer, tt.lines...); got != tt.want {
				t.Errorf("client = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNewProxiesRefusesOtherHeaders(t *testing.T) {
	if _, err := newProxies(nil, "X-Real-IP"); err == nil {
		t.Error("X-Real-IP accepted")
	}
	if _, err := newProxies([]netip.Prefix{{}}, ""); err == nil {
		t.Error("invalid network accepted")
	}
}

func FuzzI24_ClientAddress(f *testing.F) {
	f.Add("203.0.113.7:1", "1.2.3.4", false)
	f.Add("10.0.0.1:1", `for="[2001:db8::1]:1", for=1.2.3.4`, true)
	f.Add("10.0.0.1:1", "a,,\"\\,b", false)
	f.Fuzz(func(t *testing.T, peer, value string, forwarded bool) {
		header := headerXForwardedFor
		if forwarded {
			header = headerForwarded
		}
		p, err := newProxies(testProxies, header)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{RemoteAddr: peer, Header: http.Header{header: {value}}}
		got, direct := p.client(r), parsePeer(peer)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("client %v is not a plain address", got)
		}
		if !p.isTrusted(direct) && got != direct {
			t.Fatalf("untrusted peer %v moved to %v by %q", direct, got, value)
		}
		// What a client writes to the left of what the proxy appends is never read.
		r.Header.Set(header, value+", 203.0.113.9")
		if forwarded {
			r.Header.Set(header, value+", for=203.0.113.9")
		}
		// A quote left open can swallow what follows it; then the peer counts.
		if got := p.client(r); p.isTrusted(direct) && got.String() != "203.0.113.9" && got != direct {
			t.Fatalf("client %v chosen by the left part of %q", got, r.Header.Get(header))
		}
	})
}
