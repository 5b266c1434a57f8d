package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr returns the address limits and audit rows use: the TCP peer, or
// what a trusted proxy says about it.
func ClientAddr(ctx context.Context) netip.Addr {
	return Event(ctx).addr
}

const (
	headerXForwardedFor = "X-Forwarded-For"
	headerForwarded     = "Forwarded"
)

// proxies decides the client address from the peer and one forwarding header.
type proxies struct {
	trusted []netip.Prefix
	header  string
}

func newProxies(trusted []netip.Prefix, header string) (proxies, error) {
	p := proxies{header: http.CanonicalHeaderKey(header)}
	switch p.header {
	case "":
		p.header = headerXForwardedFor
	case headerXForwardedFor, headerForwarded:
	default:
		return proxies{}, fmt.Errorf("web: forwarding header %q is neither %s nor %s", header, headerXForwardedFor, headerForwarded)
	}
	for _, t := range trusted {
		if !t.IsValid() {
			return proxies{}, fmt.Errorf("web: trusted proxy network %v is not valid", t)
		}
		p.trusted = append(p.trusted, t.Masked())
	}
	return p, nil
}

func (p proxies) isTrusted(a netip.Addr) bool {
	for _, t := range p.trusted {
		if t.Contains(a) {
			return true
		}
	}
	return false
}

// client walks the hops from the nearest to the farthest and stops at the
// first that is not one of our proxies. What stands to the left of it was
// written by the client and is never looked at. A hop that cannot be read
// makes the whole header worthless: the peer counts.
func (p proxies) client(r *http.Request) netip.Addr {
	peer := parsePeer(r.RemoteAddr)
	if !p.isTrusted(peer) {
		return peer
	}
	client := peer
	lines := r.Header.Values(p.header)
	for i := len(lines) - 1; i >= 0; i-- {
		hops := splitHops(lines[i])
		for j := len(hops) - 1; j >= 0; j-- {
			a, ok := p.parseHop(hops[j])
			if !ok {
				return peer
			}
			if client = a; !p.isTrusted(a) {
				return client
			}
		}
	}
	return client
}

// splitHops splits at commas outside quoted strings.
func splitHops(line string) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case ',':
			if !quoted {
				out = append(out, line[start:i])
				start = i + 1
			}
		}
	}
	return append(out, line[start:])
}

func (p proxies) parseHop(hop string) (netip.Addr, bool) {
	hop = strings.Trim(hop, " \t")
	if p.header == headerXForwardedFor {
		return parseNode(hop)
	}
	// RFC 7239 section 4: parameters separated by semicolons, names without case.
	node, found := "", false
	for pair := range strings.SplitSeq(hop, ";") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if found {
				return netip.Addr{}, false
			}
			node, found = value, true
		}
	}
	if len(node) >= 2 && node[0] == '"' && node[len(node)-1] == '"' {
		node = node[1 : len(node)-1]
	}
	return parseNode(node)
}

// parseNode reads an address with or without a port; IPv6 with a port needs brackets.
func parseNode(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return clean(a)
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return clean(ap.Addr())
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil && a.Is6() {
			return clean(a)
		}
	}
	return netip.Addr{}, false
}

// clean makes the two spellings of one IPv4 address equal, and refuses what
// cannot be a peer seen by a proxy.
func clean(a netip.Addr) (netip.Addr, bool) {
	if a.Zone() != "" || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// parsePeer reads http.Request.RemoteAddr. A listener without addresses (a
// UNIX socket) gives the unspecified address, which no network contains unless
// it contains everything.
func parsePeer(remote string) netip.Addr {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return ap.Addr().WithZone("").Unmap()
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone("").Unmap()
	}
	return netip.IPv6Unspecified()
}
