package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Flows finds the sign-in in progress that a request belongs to. A request
// belongs to a flow only if it names the flow's id and its browser holds the
// flow's secret.
type Flows struct {
	db  *store.DB
	now func() time.Time
}

// Load returns the request's flow, or ErrFlowGone. It also settles the
// request's language to the flow's.
func (f *Flows) Load(r *http.Request) (store.Flow, error) {
	id, hash, err := flowKey(r)
	if err != nil {
		return store.Flow{}, err
	}
	flow, err := f.db.Read().GetFlow(r.Context(), store.GetFlowParams{ID: id, SecretHash: hash, Now: f.now()})
	if err != nil {
		return store.Flow{}, flowError(err)
	}
	noteFlow(r, flow)
	return flow, nil
}

// LoadAccount returns the request's flow with the account that gave its
// password in it, or ErrFlowGone if there is none or its credentials changed
// since.
func (f *Flows) LoadAccount(r *http.Request) (store.GetFlowAccountRow, error) {
	id, hash, err := flowKey(r)
	if err != nil {
		return store.GetFlowAccountRow{}, err
	}
	row, err := f.db.Read().GetFlowAccount(r.Context(), store.GetFlowAccountParams{ID: id, SecretHash: hash, Now: f.now()})
	if err != nil {
		return store.GetFlowAccountRow{}, flowError(err)
	}
	noteFlow(r, row.Flow)
	return row, nil
}

// flowKey reads id and secret. The secret is compared as a hash, by the
// statement that also finds the row: a hash of 32 random bytes tells nothing
// by the time its comparison takes.
func flowKey(r *http.Request) (store.FlowID, []byte, error) {
	ids := r.URL.Query()["flow"]
	if len(ids) != 1 {
		return "", nil, ErrFlowGone
	}
	id := store.FlowID(ids[0])
	secret := FlowSecret(r, id)
	if secret == "" {
		return "", nil, ErrFlowGone
	}
	return id, HashToken(secret), nil
}

func flowError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrFlowGone
	}
	return fmt.Errorf("load flow: %w", err)
}

func noteFlow(r *http.Request, f store.Flow) {
	ev := Event(r.Context())
	ev.Add(slog.String("flow", string(f.ID)))
	if f.AccountID != nil {
		ev.Add(slog.String("account", string(*f.AccountID)))
	}
	settleFlowLang(r, f)
}
