package admin

import (
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const (
	// lookFirst and lookMost are how many rows of an index a page is looked for in: first in a few, which hold most pages, then in as
	// many as one request may read. What is rarer still is found further on.
	lookFirst = 500
	lookMost  = 10_000
	// listCeiling is how far the rows of a list are counted.
	listCeiling = 1000
)

// Place is a row of a list in the order of time and id: the one after which a page begins. Zero is where the list begins.
type Place struct {
	At time.Time
	ID string
}

// IsZero reports whether the place is the beginning, or where a page names the next one, that there is none.
func (p Place) IsZero() bool { return p.At.IsZero() }

// newest is where a list that is newest first begins.
func (p Place) newest(now time.Time) (at time.Time, id string) {
	if p.IsZero() {
		return now.Add(24 * time.Hour), store.MaxID
	}
	return p.At, p.ID
}

// cursor spells the place; "" for none.
func (p Place) cursor() string {
	if p.IsZero() {
		return ""
	}
	return cursor(version(p.At), p.ID)
}

// readPlace reads it back; ok is false for what is none.
func readPlace(text string) (p Place, ok bool) {
	parts, ok := readCursor(text, 2)
	if !ok || !store.ValidID(parts[1]) {
		return Place{}, false
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || micros < 0 || micros > maxVersion {
		return Place{}, false
	}
	return Place{time.UnixMicro(micros).UTC(), parts[1]}, true
}

// lookBack reads a page of a list that is newest first and that no index filters: size rows, and one more if there is one. last says
// when the last of the next so many rows was, and how many there are; read reads what is found of them. end is where it stopped
// looking, zero if it came to the end.
func lookBack[R any](
	size int, since time.Time, last func(look int32) (time.Time, int64, error), read func(since time.Time) ([]R, error),
) (rows []R, end time.Time, err error) {
	for _, look := range []int32{lookFirst, lookMost} {
		at, looked, err := last(look)
		if errors.Is(err, store.ErrNotFound) {
			return nil, time.Time{}, nil
		}
		if err != nil {
			return nil, time.Time{}, err
		}
		if end = at; looked < int64(look) {
			at, end = since, time.Time{}
		}
		if rows, err = read(at); err != nil || len(rows) > size || end.IsZero() {
			return rows, end, err
		}
	}
	return rows, end, nil
}

// cutPage takes the row too many away and says where the next page begins; end is where the reading stopped short.
func cutPage[R any](rows []R, size int, end time.Time, place func(R) Place) ([]R, Place) {
	if len(rows) > size {
		return rows[:size], place(rows[size-1])
	}
	if end.IsZero() {
		return rows, Place{}
	}
	return rows, Place{end, store.MinID} // whatever happened at that moment was looked at
}

const (
	// afterField is the place after which a page of a list begins, and backField those of the pages before it.
	afterField = "after"
	backField  = "back"
	// maxTrail is how many pages can be gone back one by one.
	maxTrail = 20
	// trailCut begins a trail that was longer once.
	trailCut = "~"
)

// pager makes the links of a list. The query says where its page begins and how one came there; next is the cursor of the page after
// it, "" at the end. Pages that were seen begin where they began, whatever was written meanwhile.
func pager(path string, filter url.Values, query web.Form, next string) templates.Pager {
	link := func(after string, trail []string) string {
		q := url.Values{}
		maps.Copy(q, filter)
		if after != "" {
			q.Set(afterField, after)
		}
		if len(trail) > 0 {
			q.Set(backField, strings.Join(trail, "."))
		}
		if len(q) == 0 {
			return path
		}
		return path + "?" + q.Encode()
	}
	here, trail := query.Get(afterField), readTrail(query.Get(backField))
	var p templates.Pager
	if next != "" {
		further := trail
		if here != "" {
			further = append(further[:len(further):len(further)], here)
		}
		if len(further) > maxTrail {
			further = append([]string{trailCut}, further[len(further)-maxTrail+1:]...)
		}
		p.Next = link(next, further)
	}
	switch n := len(trail); {
	case here == "":
	case n == 0:
		p.Prev = link("", nil)
	case trail[n-1] == trailCut:
		p.First = link("", nil)
	default:
		p.First, p.Prev = link("", nil), link(trail[n-1], trail[:n-1])
	}
	return p
}

// readTrail reads the places of the pages before one. What is no trail is an empty one.
func readTrail(text string) []string {
	if text == "" {
		return nil
	}
	trail := strings.Split(text, ".")
	if len(trail) > maxTrail {
		return nil
	}
	for i, place := range trail {
		if place == "" || strings.Trim(place, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" && (i > 0 || place != trailCut) {
			return nil
		}
	}
	return trail
}

// keyAfter reads the cursor of a list that is in the order of one key; "" for what is none.
func keyAfter(query web.Form) string {
	parts, ok := readCursor(query.Get(afterField), 1)
	if !ok {
		return ""
	}
	return parts[0]
}

// keyCursor spells it; "" for none.
func keyCursor(key string) string {
	if key == "" {
		return ""
	}
	return cursor(key)
}
