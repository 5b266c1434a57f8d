package client

import (
	"net/url"
	"strings"
)

// Sector is the sector that a client's subjects are of (OpenID Connect Core section 8.1): empty for public ones, else the host of its
// sector_identifier_uri or of its redirect URIs. ok is false for pairwise ones without a sector.
func (s Settings) Sector(redirects []string) (sector string, ok bool) {
	if s.SubjectType != SubjectPairwise {
		return "", true
	}
	if s.SectorIdentifierURI != "" {
		redirects = []string{s.SectorIdentifierURI}
	}
	for _, uri := range redirects {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
			return "", false
		}
		host := strings.ToLower(u.Hostname())
		if sector != "" && sector != host {
			return "", false
		}
		sector = host
	}
	return sector, sector != ""
}
