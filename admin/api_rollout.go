package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/store"
)

// apiRollout is how far a surface is on its way to enforcement.
type apiRollout struct {
	Surface       string           `json:"surface"`
	Enforced      bool             `json:"enforced"`
	EnforcedSince *time.Time       `json:"enforced_since,omitempty"`
	GraceDays     int              `json:"grace_days" doc:"for how many days each account may put its set-up off"`
	AnnouncedFor  *time.Time       `json:"announced_for,omitempty"`
	Stopped       int              `json:"stopped" doc:"how many accounts enforcement would stop until they set something up"`
	NoMethod      int              `json:"no_method" doc:"how many of them have no method at all"`
	Unreachable   int              `json:"unreachable" doc:"how many of them have only addresses at which nothing arrives"`
	Unusable      int              `json:"unusable" doc:"how many of them have none that is accepted"`
	Seen          int              `json:"seen" doc:"how many of them signed in within 30 days"`
	Never         int              `json:"never" doc:"how many of them never did"`
	CountedAt     time.Time        `json:"counted_at" doc:"when, at most a few minutes ago"`
	Announcement  *apiAnnouncement `json:"announcement,omitempty" doc:"the newest one"`
	UpdatedAt     time.Time        `json:"updated_at" doc:"of the surface"`
}

func (r apiRollout) version() time.Time { return r.UpdatedAt }

// apiAnnouncement is how far the mails of an announcement are.
type apiAnnouncement struct {
	CreatedAt  time.Time  `json:"created_at"`
	EnforceOn  time.Time  `json:"enforce_on"`
	Accounts   int        `json:"accounts" doc:"how many it is for"`
	Mailed     int        `json:"mailed"`
	Skipped    int        `json:"skipped"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

func rolloutOf(r Rollout) apiRollout {
	v := apiRollout{
		Surface: r.ID, Enforced: r.Enforced, EnforcedSince: r.Since, GraceDays: r.GraceDays, AnnouncedFor: r.Announced, Stopped: int(r.Count.Stopped()),
		NoMethod: int(r.Count.Unset), Unreachable: int(r.Count.Unreachable), Unusable: int(r.Count.Unusable), Seen: int(r.Count.Seen),
		Never: int(r.Count.Never), CountedAt: r.CountedAt, UpdatedAt: r.Version,
	}
	if a := r.Announcement; a != nil {
		v.Announcement = &apiAnnouncement{
			CreatedAt: a.CreatedAt, EnforceOn: a.EnforceOn, Accounts: int(a.Total), Mailed: int(a.Mailed), Skipped: int(a.Skipped), FinishedAt: a.FinishedAt,
		}
	}
	return v
}

// apiConcerned is an account that enforcement would stop.
type apiConcerned struct {
	AccountID    string     `json:"account_id"`
	LoginID      string     `json:"login_id"`
	Name         string     `json:"name"`
	Role         string     `json:"role"`
	TwoFactor    string     `json:"two_factor" enum:"use,dont_use"`
	MainMethod   string     `json:"main_method,omitempty" doc:"the one that is closed or not accepted"`
	CustomerCode string     `json:"customer_code,omitempty"`
	Customer     string     `json:"customer,omitempty"`
	UserGroup    string     `json:"user_group,omitempty"`
	LastSignInAt *time.Time `json:"last_sign_in_at,omitempty"`
	GraceUntil   *time.Time `json:"grace_until,omitempty" doc:"until when it may put the set-up off, where its days have begun"`
}

func concernedOf(surface store.Surface) func(store.ListConcernedRow) apiConcerned {
	return func(row store.ListConcernedRow) apiConcerned {
		v := apiConcerned{
			AccountID: string(row.ID), LoginID: row.LoginID, Name: row.DisplayName, Role: row.Role, TwoFactor: row.TwoFactor,
			MainMethod: text(row.MainFactor), CustomerCode: text(row.CustomerCode), Customer: text(row.CustomerName), UserGroup: text(row.GroupName),
			LastSignInAt: row.LastSignInAt,
		}
		if graced(surface, row) {
			v.GraceUntil = row.GraceUntil
		}
		return v
	}
}

type (
	apiGrace struct {
		GraceDays int `json:"grace_days" min:"0" max:"30" doc:"for how many days an account may put the set-up off; 0 for none"`
	}
	apiAnnounce struct {
		On string `json:"on" max:"10" doc:"the day, as 2026-12-01, from today on and within a year"`
	}

	setGrace struct {
		Surface string    `path:"surface" max:"64"`
		Match   time.Time `header:"If-Match"`
		Body    apiGrace
	}
	announce struct {
		Surface string `path:"surface" max:"64"`
		Body    apiAnnounce
	}
	findConcerned struct {
		Surface string `path:"surface" max:"64"`
		paging
	}
)

// rollout is the way to enforcement.
func (a *API) rollout(t *table) {
	s := a.service
	get := func(ctx context.Context, actor Actor, surface string) (apiRollout, error) {
		r, err := s.Rollout(ctx, actor, surface)
		return rolloutOf(r), err
	}
	add(t, scopeSettingsRead, http.MethodGet, "/surfaces/{surface}/rollout", "getRollout",
		func(ctx context.Context, actor Actor, in surfaceBy) (apiRollout, error) {
			return get(ctx, actor, in.Surface)
		})
	add(t, scopeSettings, http.MethodPut, "/surfaces/{surface}/rollout", "setGrace",
		func(ctx context.Context, actor Actor, in setGrace) (apiRollout, error) {
			seen, err := s.Rollout(ctx, actor, in.Surface)
			if err != nil {
				return apiRollout{}, err
			}
			former := seen.GraceDays
			if !seen.Version.Equal(in.Match) {
				former = -1 // which nobody can have seen
			}
			if _, err := s.SetGrace(ctx, actor, in.Surface, former, in.Body.GraceDays); err != nil {
				return apiRollout{}, err
			}
			return get(ctx, actor, in.Surface)
		})
	add(t, scopeAccountsRead, http.MethodGet, "/surfaces/{surface}/rollout/accounts", "listConcerned",
		func(ctx context.Context, actor Actor, in findConcerned) (list[apiConcerned], error) {
			span, err := in.span(isLoginKey)
			if err != nil {
				return list[apiConcerned]{}, err
			}
			surface, rows, more, err := s.ConcernedAfter(ctx, actor, span, in.Surface)
			return listOf(rows, more, concernedOf(surface), func(r store.ListConcernedRow) string { return cursor(r.LoginKey) }), err
		})
	add(t, scopeSettings, http.MethodPost, "/surfaces/{surface}/rollout/accounts/export", "exportConcerned",
		func(ctx context.Context, actor Actor, in surfaceBy) (download, error) {
			now := s.now().In(s.zone)
			return download{
				kind: kindCSV + "; charset=utf-8", name: "futakagi-" + now.Format("20060102") + ".csv",
				write: func(to io.Writer) error { return s.writeConcerned(ctx, actor, in.Surface, to) },
			}, nil
		})
	add(t, scopeSettings, http.MethodPost, "/surfaces/{surface}/announcement", "announceEnforcement",
		func(ctx context.Context, actor Actor, in announce) (apiRollout, error) {
			day, err := time.ParseInLocation(time.DateOnly, in.Body.On, s.zone)
			if err != nil {
				day = time.Time{} // no day
			}
			if err := s.Announce(ctx, actor, in.Surface, day); err != nil {
				return apiRollout{}, err
			}
			return get(ctx, actor, in.Surface)
		}, codeConflict)
	add(t, scopeSettings, http.MethodDelete, "/surfaces/{surface}/announcement", "withdrawAnnouncement",
		func(ctx context.Context, actor Actor, in surfaceBy) (none, error) {
			_, err := s.WithdrawAnnouncement(ctx, actor, in.Surface)
			return none{}, err
		})
}
