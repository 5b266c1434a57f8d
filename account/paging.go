package account

// Lists show at most maxPage rows at once and are leafed through for at most maxPages pages: who looks further must search.
const (
	maxPage  = 100
	maxPages = 200
)

// Paging says which page of a list some rows are.
type Paging struct {
	// Total counts what was found, no further than the last page.
	Total int64
	// Page counts from 1 to Pages; a full page has Size rows.
	Page, Pages, Size int
}

// PagingCeiling is how far a list with pages of that size is counted.
func PagingCeiling(size int) int32 { return int32(size * maxPages) }

// PageOf brings the page asked for into a list of total rows.
func PageOf(total int64, asked, size int) Paging {
	p := Paging{Total: total, Pages: max(1, (int(total)+size-1)/size), Size: size}
	p.Page = min(max(asked, 1), p.Pages)
	return p
}

// Skip is how many rows come before the page.
func (p Paging) Skip() int32 { return int32((p.Page - 1) * p.Size) }

// pageSize brings the size asked for into the bounds.
func pageSize(n int) int {
	if n == 0 {
		return maxPage / 2
	}
	return min(max(n, 1), maxPage)
}
