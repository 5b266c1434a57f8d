package admin

import (
	"context"
	"errors"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// errNoPasswords is the answer of a Service made without the sending of links.
var errNoPasswords = errors.New("this service was made without passwords")

// SendPasswordReset sends an account the link to a new password (再設定メールを送信). The link goes to the registered address and
// staff never see it: they cause no more than anybody can who says that they forgot the password, so the support desk may. It
// fails with [store.ErrNotFound], or with an [account.ValidationError] for the form as a whole where nothing can be sent.
func (s *Service) SendPasswordReset(ctx context.Context, actor Actor, id store.AccountID) error {
	if s.passwords == nil {
		return errNoPasswords
	}
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.PasswordLink}, func(w *work) error {
		acc, err := w.target(ctx, id, mayReset)
		if err != nil {
			return err
		}
		if err := w.unfrozen(ctx, acc.ID); err != nil {
			return err
		}
		if err := s.spend(ctx, w, "password_link", s.limits.PasswordLink); err != nil {
			return err
		}
		refused, err := s.passwords.SendLink(ctx, w.tx, acc, w.now)
		if err == nil && refused != "" {
			err = &refusal{err: mailRefused(refused), word: refused}
		}
		return err
	})
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// mailRefused says to staff why no link was sent.
func mailRefused(reason string) error {
	message := templates.MsgResetMailLimit
	switch reason {
	case password.ReasonDisabled:
		message = templates.MsgResetMailDisabled
	case password.ReasonAddress:
		message = templates.MsgResetMailAddress
	case password.ReasonMoved:
		message = templates.MsgResetMailMoved
	}
	return &account.ValidationError{Fields: map[string]string{templates.FormError: message}}
}
