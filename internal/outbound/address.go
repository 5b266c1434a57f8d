package outbound

import (
	"net/netip"
	"strings"
)

// never are addresses that no allow list opens: there, clouds hand out the credentials of the machine to whoever asks.
var never = prefixes("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fe80::/10")

// special are the ranges that are not of the public internet, beside those that [netip.Addr] knows: the IANA special-purpose registries
// of IPv4 and IPv6.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// unicast is what is given out of IPv6 for the public internet. What lies outside, such as the ranges that embed an address of IPv4, is
// not of it.
var unicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// public reports whether an address is one of the public internet.
func public(a netip.Addr) bool {
	switch {
	case !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "":
		return false
	case a.Is6() && !unicast.Contains(a):
		return false
	}
	return !within(special, a) && !within(never, a)
}

// permitted reports whether an address may be dialled.
func (c *Client) permitted(a netip.Addr, loopbackHost bool) bool {
	if a.Zone() != "" || within(never, a) {
		return false
	}
	return public(a) || within(c.allow, a) || loopbackHost && c.loopback && a.IsLoopback()
}

// Loopback reports whether a host, without a port, names this machine and nothing else.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}
