package provider

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// granted is what a grant puts into its tokens and into answers about them, by whichever statement it was read.
type granted struct {
	id       store.GrantID
	account  store.AccountID
	session  store.SessionID
	evidence signin.EvidenceList // what its sign-in proved
	claims   string              // asked for by name, as stored
}

// read takes in the evidence as it is stored.
func (g granted) read(evidence json.RawMessage) (granted, error) {
	var err error
	if g.evidence, err = signin.ParseEvidence(evidence); err != nil {
		return granted{}, fmt.Errorf("grant %s: %w", g.id, err)
	}
	return g, nil
}

func grantOfAccess(row store.AccessToken) (granted, error) {
	return granted{id: row.GrantID, account: row.AccountID, session: row.SessionID, claims: row.Claims}.read(row.Evidence)
}

func grantOfRefresh(row store.GetRefreshRow) (granted, error) {
	return granted{id: row.GrantID, account: row.AccountID, session: row.SessionID, claims: row.Claims}.read(row.Evidence)
}

func grantOfCode(row store.RedeemCodeRow) (granted, error) {
	return granted{id: row.ID, account: row.AccountID, session: row.SessionID, claims: row.Claims}.read(row.Evidence)
}

// family is a grant as it is ended and written about.
type family struct {
	id       store.GrantID
	account  store.AccountID
	clientID string
}

func familyOfRefresh(row store.GetRefreshRow) family {
	return family{id: row.GrantID, account: row.AccountID, clientID: row.ClientID}
}

// described is what answers tell of a token besides its grant, as it is stored.
type described struct {
	clientID, scope, audience, actors, key string
	issued                                 time.Time
}
