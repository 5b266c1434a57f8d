package admin

import (
	"fmt"

	"github.com/futakagi/futakagi/store"
)

const (
	// scanChunk is how many resources are read at once, and scanMost how many a request looks at.
	scanChunk = 200
	scanMost  = 5000
	// maxSkip is how far numbered pages go.
	maxSkip = 10_000
)

// resourcePager makes pages of resources, which come in the order of their ids.
type resourcePager[T any] struct {
	id    func(T) string
	count func() (int64, error)
	// fetch reads resources after one, skipping some.
	fetch func(after string, skip, limit int) ([]T, error)
	match func(T) bool
}

// of is the page of those few resources that a query can be about.
func (p resourcePager[T]) of(q ProvisionQuery, rows []T) ProvisionPage[T] {
	page := ProvisionPage[T]{Rows: []T{}}
	for _, row := range rows {
		if p.match(row) && (!q.ByCursor || p.id(row) > q.After) {
			page.Total++
			if page.Total > q.Skip && len(page.Rows) < q.Count {
				page.Rows = append(page.Rows, row)
			}
		}
	}
	return page
}

// page is the page of a query that may be about all resources.
func (p resourcePager[T]) page(q ProvisionQuery) (ProvisionPage[T], error) {
	switch {
	case q.Skip > maxSkip:
		return ProvisionPage[T]{}, errScan
	case q.Match == nil && !q.ByCursor:
		return p.numbered(q)
	}
	page := ProvisionPage[T]{Rows: []T{}, Total: -1}
	matched, after := 0, q.After
	if after == "" {
		after = store.MinID
	}
	for seen := 0; ; {
		rows, err := p.fetch(after, 0, scanChunk)
		if err != nil {
			return ProvisionPage[T]{}, err
		}
		for _, row := range rows {
			if q.ByCursor && len(page.Rows) == q.Count {
				page.Next = after
				return page, nil
			}
			seen, after = seen+1, p.id(row)
			if !p.match(row) {
				continue
			}
			matched++
			if matched > q.Skip && len(page.Rows) < q.Count {
				page.Rows = append(page.Rows, row)
			}
		}
		switch {
		case len(rows) < scanChunk:
			if !q.ByCursor {
				page.Total = matched
			}
			return page, nil
		case seen >= scanMost && q.ByCursor: // a short page, and where to go on
			page.Next = after
			return page, nil
		case seen >= scanMost:
			return ProvisionPage[T]{}, errScan
		}
	}
}

// numbered is a page without a filter.
func (p resourcePager[T]) numbered(q ProvisionQuery) (ProvisionPage[T], error) {
	total, err := p.count()
	if err != nil {
		return ProvisionPage[T]{}, fmt.Errorf("count resources: %w", err)
	}
	page := ProvisionPage[T]{Rows: []T{}, Total: int(total)}
	if q.Count > 0 && q.Skip < page.Total {
		page.Rows, err = p.fetch(store.MinID, q.Skip, q.Count)
	}
	return page, err
}
