package admin

import (
	"context"
	"regexp"
	"slices"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// fieldRegistered is the registered address among the fields that can be unmasked; the others are kinds of factor.
const fieldRegistered = "registered"

// Unmask returns an account with one of its addresses whole for an actor to whom they are masked: the registered one, or that of a
// factor, by its kind. The look is written down and counts against the actor's limit. It fails with [store.ErrNotFound], also for
// a field that the account does not have, and with a [RateError].
func (s *Service) Unmask(ctx context.Context, actor Actor, id store.AccountID, field string) (Account, error) {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.AddressUnmask}, func(w *work) error {
		acc, err := w.target(ctx, id, mayUnmask)
		if err != nil {
			return err
		}
		address := acc.RegisteredEmail
		if field != fieldRegistered {
			if !slices.Contains(signin.FactorMethods(), signin.Method(field)) {
				return store.ErrNotFound
			}
			f, err := w.tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: acc.ID, Kind: field})
			if err != nil {
				return err
			}
			address = f.Address
		}
		if address == "" {
			return store.ErrNotFound
		}
		w.event.Data = map[string]string{"field": field}
		return s.spend(ctx, w, "unmask", s.limits.Unmask)
	})
	if err != nil {
		return Account{}, err
	}
	a, err := s.Account(ctx, actor, id)
	a.Shown = field
	return a, err
}

// mayUnmaskField reports whether a page offers to show an address whole.
func mayUnmaskField(actor Actor, a Account, field, address string) bool {
	return address != "" && a.Shown != field && !actor.rights().has(maySeeAddresses) && actor.rights().has(mayUnmask) && mayChange(actor, a, mayUnmask)
}

// seenAddress is an address or phone number as the actor may see it: whole for those whose role says so and for the one look that
// was just written down, and masked otherwise. The field is a kind of factor or [fieldRegistered].
func seenAddress(actor Actor, a Account, field, address string) string {
	whole := actor.rights().has(maySeeAddresses) || field == a.Shown
	switch {
	case address == "":
		return ""
	case field == templates.KindSMS && whole:
		return templates.Phone(address)
	case field == templates.KindSMS:
		return templates.MaskPhone(address)
	case whole:
		return address
	}
	return templates.MaskEmail(address)
}

var (
	addressIn = regexp.MustCompile(`[^\s<>()\[\],;:"'@]+@[^\s<>()\[\],;:"'@]+`)
	numberIn  = regexp.MustCompile(`\+[0-9]{7,15}|\b0[0-9]{9,10}\b`)
)

// redact masks the addresses and phone numbers in a text: what people wrote, or what a mail server answered.
func redact(text string) string {
	text = addressIn.ReplaceAllStringFunc(text, templates.MaskEmail)
	return numberIn.ReplaceAllStringFunc(text, templates.MaskPhone)
}
