package signals

import (
	"encoding/json"
	"fmt"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

const (
	caep = "https://schemas.openid.net/secevent/caep/event-type/"
	ssf  = "https://schemas.openid.net/secevent/ssf/event-type/"
)

// levels names the values of levels in assurance-level-change: they are those of acr in our ID tokens.
const levels = "urn:futakagi:acr"

// eventType is one of the events that receivers can ask for.
type eventType struct{ kind, uri string }

func eventTypes() []eventType {
	return []eventType{
		{store.SignalSessionRevoked, caep + "session-revoked"},
		{store.SignalCredentialChange, caep + "credential-change"},
		{store.SignalAssuranceChange, caep + "assurance-level-change"},
	}
}

// EventURIs are the events that receivers can ask for.
func EventURIs() []string {
	var uris []string
	for _, t := range eventTypes() {
		uris = append(uris, t.uri)
	}
	return uris
}

// uriOf is the name of an event outside.
func uriOf(kind string) string {
	switch kind {
	case store.SignalVerification:
		return ssf + "verification"
	case store.SignalStreamUpdated:
		return ssf + "stream-updated"
	}
	for _, t := range eventTypes() {
		if t.kind == kind {
			return t.uri
		}
	}
	return ""
}

// claims are those of a security event token (RFC 8417; Shared Signals Framework 1.0 section 4.1): neither sub nor exp, so that it can
// never pass for another token.
type claims struct {
	Issuer      string           `json:"iss"`
	Audience    string           `json:"aud"`
	IssuedAt    int64            `json:"iat"`
	ID          string           `json:"jti"`
	Transaction string           `json:"txn,omitempty"`
	Subject     subject          `json:"sub_id"`
	Events      map[string]event `json:"events"`
}

// subject is a subject identifier (RFC 9493), or a complex one of them (Shared Signals Framework 1.0 section 3.3).
type subject struct {
	Format  string   `json:"format"`
	Issuer  string   `json:"iss,omitempty"`
	Subject string   `json:"sub,omitempty"`
	ID      string   `json:"id,omitempty"`
	User    *subject `json:"user,omitempty"`
	Session *subject `json:"session,omitempty"`
}

// event is what any of the events says. Members that an event does not have are left out.
type event struct {
	At          int64             `json:"event_timestamp,omitempty"`
	Initiator   string            `json:"initiating_entity,omitempty"`
	ReasonAdmin map[string]string `json:"reason_admin,omitempty"`
	ReasonUser  map[string]string `json:"reason_user,omitempty"`

	CredentialType string `json:"credential_type,omitempty"`
	ChangeType     string `json:"change_type,omitempty"`

	Namespace     string `json:"namespace,omitempty"`
	CurrentLevel  string `json:"current_level,omitempty"`
	PreviousLevel string `json:"previous_level,omitempty"`
	Direction     string `json:"change_direction,omitempty"`

	State  string `json:"state,omitempty"`
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// token is the security event token of a signal. It says the same whenever it is made: when is the time of the act.
func (s *Service) token(row store.Signal, clientID string) (string, error) {
	var d store.SignalData
	if err := json.Unmarshal(row.Data, &d); err != nil {
		return "", fmt.Errorf("read signal %s: %w", row.ID, err)
	}
	uri := uriOf(row.Kind)
	if uri == "" {
		return "", fmt.Errorf("signal %s is of unknown kind %q", row.ID, row.Kind)
	}
	about, ok := s.subjectOf(row, clientID)
	if !ok {
		return "", fmt.Errorf("client %s of signal %s is not known here yet", clientID, row.ID)
	}
	c := claims{
		Issuer: s.cfg.Issuer, Audience: clientID, IssuedAt: row.CreatedAt.Unix(), ID: string(row.ID),
		Subject: about, Events: map[string]event{uri: s.event(row, d)},
	}
	if d.Transaction != "" {
		c.Transaction = s.cfg.Transaction(clientID, d.Transaction)
	}
	token, err := s.cfg.Sign(c)
	if err != nil {
		return "", fmt.Errorf("sign security event: %w", err)
	}
	return token, nil
}

// subjectOf names whom a signal is about: the stream itself, an account, or a session of one. ok is false while it is not known by what
// name the client knows them.
func (s *Service) subjectOf(row store.Signal, clientID string) (about subject, ok bool) {
	if row.AccountID == nil {
		return subject{Format: "opaque", ID: string(row.StreamID)}, true
	}
	user := subject{Format: "iss_sub", Issuer: s.cfg.Issuer, Subject: s.cfg.Subject(clientID, *row.AccountID)}
	if row.SessionID == nil {
		return user, user.Subject != ""
	}
	session := subject{Format: "opaque", ID: s.cfg.Session(clientID, *row.SessionID)}
	return subject{Format: "complex", User: &user, Session: &session}, user.Subject != "" && session.ID != ""
}

func (s *Service) event(row store.Signal, d store.SignalData) event {
	if row.AccountID == nil {
		return event{State: d.State, Status: d.Status, Reason: d.StatusReason}
	}
	e := event{
		At: row.CreatedAt.Unix(), Initiator: d.By, CredentialType: d.CredentialType, ChangeType: d.ChangeType,
		CurrentLevel: d.Level, PreviousLevel: d.FormerLevel,
	}
	if d.Reason != "" {
		e.ReasonAdmin, e.ReasonUser = map[string]string{}, map[string]string{}
		for _, lang := range []templates.Lang{templates.Ja, templates.En} {
			e.ReasonAdmin[string(lang)] = s.cfg.Templates.EventLabel(lang, d.Reason)
			e.ReasonUser[string(lang)] = s.cfg.Templates.ActivityText(lang, d.Reason)
		}
	}
	if row.Kind == store.SignalAssuranceChange {
		e.Namespace, e.Direction = levels, "decrease"
		if d.FormerLevel != "" { // levels are only ever raised in a session; what an account loses, it has no former level of
			e.Direction = "increase"
		}
	}
	return e
}
