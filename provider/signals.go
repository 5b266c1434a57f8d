package provider

import "github.com/futakagi/futakagi/store"

// typSecurityEvent is the typ of security event tokens (RFC 8417 §2.3).
const typSecurityEvent = "secevent+jwt"

// SignEvent signs the claims of a security event token. The algorithm is the one that the CAEP Interoperability Profile 1.0 demands,
// whatever the client's ID tokens are signed with.
func (p *Provider) SignEvent(claims any) (string, error) {
	return p.keys.Sign(algRS256, typSecurityEvent, claims)
}

// EventSubject is the sub by which a client knows an account; empty for a client that is not known here: the id of our row is no name for
// one that may know people by other names.
func (p *Provider) EventSubject(clientID string, account store.AccountID) string {
	c, ok := p.clients.Lookup(clientID)
	if !ok {
		return ""
	}
	return p.subjects.subjectFor(c, account)
}

// EventSession is the sid by which a client knows a session; empty for a client that is not known here.
func (p *Provider) EventSession(clientID string, session store.SessionID) string {
	c, ok := p.clients.Lookup(clientID)
	if !ok {
		return ""
	}
	return p.subjects.sessionFor(c, session)
}

// EventTransaction is the name by which a client knows one act; empty for a client that is not known here. As a person's, it is one of
// its own for each sector: two receivers that were told one and the same would have found out whom they have in common.
func (p *Provider) EventTransaction(clientID, txn string) string {
	c, ok := p.clients.Lookup(clientID)
	switch {
	case !ok:
		return ""
	case c.sector == "":
		return txn
	}
	return p.subjects.pair(c.sector, "txn", txn)
}
