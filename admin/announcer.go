package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// announceBatch is how many mails of an announcement wait in the outbox at most: verification codes stand in the same queue, and must
// not wait behind thousands.
const announceBatch = 50

// errTaken says that another server queued the same batch a moment ago.
var errTaken = errors.New("batch was queued by another server")

// QueueAnnouncements puts the next mails of every announcement that is under way into the outbox, as many as are let in at once, and
// reports whether anything is left to do. Every server calls it from time to time; of two at the same batch one commits, and an
// account is passed once, so that nobody gets the same announcement twice. Accounts that were disabled, or set up a method meanwhile,
// are passed over.
func (s *Service) QueueAnnouncements(ctx context.Context) (more bool, err error) {
	if s.outbox == nil {
		return false, errNoFactors
	}
	open, err := s.db.Read().OpenAnnouncements(ctx)
	if err != nil {
		return false, fmt.Errorf("list announcements: %w", err)
	}
	for _, a := range open {
		done, err := s.queueBatch(ctx, a)
		if errors.Is(err, errTaken) {
			more = true
			continue
		}
		if err != nil {
			return more, err
		}
		more = more || !done
	}
	if len(open) > 0 {
		s.outbox.Wake()
	}
	return more, nil
}

// queueBatch queues one batch of an announcement, and reports whether it was the last.
func (s *Service) queueBatch(ctx context.Context, a store.Announcement) (done bool, err error) {
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		now := s.now()
		done = false
		waiting, err := tx.CountQueuedOfKind(ctx, delivery.KindEnforcement)
		if err != nil {
			return fmt.Errorf("count mails: %w", err)
		}
		room := announceBatch - int(waiting)
		if room <= 0 {
			return nil
		}
		surface, err := tx.GetSurface(ctx, a.SurfaceID)
		if err != nil {
			return fmt.Errorf("load surface: %w", err)
		}
		after := store.AccountID(store.MinID)
		if a.LastAccount != nil {
			after = *a.LastAccount
		}
		rows, err := tx.ListToAnnounce(ctx, store.ListToAnnounceParams{
			Kind: surface.AccountKind, AfterID: after, Useful: words(policyOf(surface).useful()), PageSize: int32(room),
		})
		if err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		if len(rows) < room {
			done = true
		}
		if len(rows) > 0 {
			n := store.AdvanceAnnouncementParams{ID: a.ID, LastAccount: &rows[len(rows)-1].ID, Former: a.Mailed + a.Skipped}
			for _, row := range rows {
				sent, err := s.announceTo(ctx, tx, a, row, now)
				if err != nil {
					return err
				}
				if sent {
					n.Mailed++
				} else {
					n.Skipped++
				}
			}
			if changed, err := tx.AdvanceAnnouncement(ctx, n); err != nil {
				return fmt.Errorf("advance announcement: %w", err)
			} else if changed == 0 {
				return errTaken
			}
		}
		if !done {
			return nil
		}
		if _, err := tx.FinishAnnouncement(ctx, store.FinishAnnouncementParams{ID: a.ID, Now: &now}); err != nil {
			return fmt.Errorf("finish announcement: %w", err)
		}
		return nil
	})
	return done, err
}

// announceTo queues the mail to one account; sent is false where there is no address that can be sent to.
func (s *Service) announceTo(ctx context.Context, tx *store.Tx, a store.Announcement, row store.ListToAnnounceRow, now time.Time) (sent bool, err error) {
	if row.RegisteredEmail == "" {
		return false, nil
	}
	lang := s.noticeLang
	if row.Lang != "" {
		lang = templates.Lang(row.Lang)
	}
	err = s.outbox.Notice(ctx, tx, delivery.NoticeMessage{
		Kind: delivery.KindEnforcement, AccountID: row.ID, LoginID: row.LoginID, To: row.RegisteredEmail, Lang: lang,
		At: now, Day: a.EnforceOn,
	})
	if errors.Is(err, delivery.ErrRecipient) {
		return false, nil
	}
	return err == nil, err
}

// RunAnnouncer queues announcements until ctx ends. Failures go to report, and are tried again.
func (s *Service) RunAnnouncer(ctx context.Context, every time.Duration, report func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		if _, err := s.QueueAnnouncements(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}
