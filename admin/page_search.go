package admin

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// renderSearch shows what a search found, by kind.
func (h *Handler) renderSearch(w http.ResponseWriter, r *http.Request, query web.Form) error {
	actor := actorOf(r)
	in := SearchQuery{Text: query.Get("q"), Kind: query.Get("kind"), After: h.service.readSearchCursor(actor, query.Get(afterField))}
	found, err := h.service.Search(r.Context(), actor, in)
	if err != nil {
		return answer(err)
	}
	v := templates.SearchView{Action: templates.PathCustomers, Query: in.Text}
	if actor.rights().has(mayManageCustomers) {
		v.NewURL = templates.PathCustomers + "/new"
	}
	here := func(pairs ...string) string {
		q := url.Values{"q": {in.Text}}
		for i := 0; i+1 < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return templates.PathCustomers + "?" + q.Encode()
	}
	if in.Kind != "" {
		v.AllURL = here()
	}
	for _, f := range found {
		g := templates.SearchGroup{Kind: f.Kind}
		for _, c := range f.Customers {
			g.Rows = append(g.Rows, templates.SearchRow{URL: customerGroupsURL(c.ID), Name: c.Name, ID: c.Code})
		}
		for _, a := range f.Accounts {
			place := ""
			if a.CustomerRef != "" {
				place = customerGroupsURL(store.CustomerID(a.CustomerRef))
			}
			g.Rows = append(g.Rows, templates.SearchRow{
				URL: accountURL(a.ID), Name: a.DisplayName, ID: a.LoginID, Customer: text(a.CustomerName), CustomerURL: place, Address: a.Address,
				Use: a.TwoFactor == account.TwoFactorUse, Kind: text(a.MainFactor), Disabled: a.DisabledAt != nil,
			})
		}
		v.Cut = v.Cut || f.Cut
		switch {
		case in.Kind != "":
			next, err := h.service.searchCursor(actor, f.Next)
			if err != nil {
				return err
			}
			v.Pager = pager(templates.PathCustomers, url.Values{"q": {in.Text}, "kind": {f.Kind}}, query, next)
		case f.Next != SearchPlace{}:
			g.MoreURL = here("kind", f.Kind)
		}
		if len(g.Rows) == 0 {
			continue
		}
		v.Groups = append(v.Groups, g)
	}
	return h.templates.Search.Render(w, http.StatusOK, h.frame(w, r, templates.NavCustomers), v)
}

// cursor spells the place; "" for none.
func (p SearchPlace) cursor() string {
	if p == (SearchPlace{}) {
		return ""
	}
	return cursor(strconv.FormatBool(p.Apart), p.Term, p.ID)
}

// searchCursor is the place's cursor for an actor. The index knows accounts by their registered addresses too: whoever may not see those
// is given the entry sealed.
func (s *Service) searchCursor(actor Actor, p SearchPlace) (string, error) {
	text := p.cursor()
	if text == "" || actor.rights().has(maySeeAddresses) {
		return text, nil
	}
	if s.imports.Box == nil {
		return "", errNoFactors
	}
	sealed, err := s.imports.Box.Seal([]byte(text), searchSeal(actor))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// readSearchCursor reads it back; what is none is the beginning.
func (s *Service) readSearchCursor(actor Actor, text string) SearchPlace {
	if text == "" || actor.rights().has(maySeeAddresses) {
		return readSearchPlace(text)
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || s.imports.Box == nil {
		return SearchPlace{}
	}
	plain, err := s.imports.Box.Open(sealed, searchSeal(actor))
	if err != nil { // of another's page, or from before the keys were renewed
		return SearchPlace{}
	}
	return readSearchPlace(string(plain))
}

func searchSeal(actor Actor) seal.Place { return seal.Place{Table: "search", Account: actor.key()} }

// readSearchPlace reads it back; what is none is the beginning.
func readSearchPlace(text string) SearchPlace {
	parts, ok := readCursor(text, 3)
	if !ok {
		return SearchPlace{}
	}
	return SearchPlace{Apart: parts[0] == "true", Term: parts[1], ID: parts[2]}
}
