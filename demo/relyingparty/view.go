package relyingparty

import (
	"net/http"
	"strings"
	"time"
)

// links are the addresses a page leads to.
type links struct {
	Store, MyPage, Inbox, Security, StepUp string
}

// frame is what every page of the site shows around its own part.
type frame struct {
	Kind     string
	Here     string
	SignedIn bool
	Links    links
}

func (h *handler) frame(r *http.Request, here string) frame {
	return frame{Kind: string(h.kind), Here: here, SignedIn: h.sessions.user(r) != nil, Links: h.links}
}

// homeView is the data of every page but the problem page.
type homeView struct {
	frame
	// User is the signed-in person; nil when there is none.
	User *userView
	// Refreshed says that the tokens were just renewed.
	Refreshed bool
}

// userView is the signed-in person as plain values.
type userView struct {
	Name, LoginID, Email   string
	Subject, SID, AMR, ACR string
	Method, Via            string
	AuthTime, AuthStamp    string
	Refreshed              string
	CanRefresh, TwoFactor  bool
}

// problemView is the data of the problem page. Title and Text are keys.
type problemView struct {
	frame
	Title, Text string
	// Code and Description are the provider's own words.
	Code, Description string
	// Retry offers to sign in again.
	Retry bool
}

func viewOf(u *user) *userView {
	if u == nil {
		return nil
	}
	v := &userView{
		Name: u.profile.Name, LoginID: u.profile.LoginID, Email: u.profile.Email,
		Subject: u.claims.Subject, SID: u.claims.SID, ACR: u.claims.ACR,
		AMR:        strings.Join(u.claims.AMR, " "),
		CanRefresh: u.refreshToken != "",
		TwoFactor:  u.claims.ACR != "" && u.claims.ACR != "urn:futakagi:acr:1fa",
	}
	if v.Name == "" {
		v.Name = v.LoginID
	}
	if u.claims.AuthTime != 0 {
		at := time.Unix(u.claims.AuthTime, 0).In(tokyo)
		v.AuthTime, v.AuthStamp = at.Format("2006-01-02 15:04:05"), at.Format(time.RFC3339)
	}
	if u.claims.TwoFA != nil {
		v.Method, v.Via = u.claims.TwoFA.Method, u.claims.TwoFA.Via
	}
	if !u.refreshed.IsZero() {
		v.Refreshed = u.refreshed.In(tokyo).Format("2006-01-02 15:04:05")
	}
	return v
}
