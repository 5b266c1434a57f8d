package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
)

// TestTerms: whatever begins a word is found, and a word begins where people would say it does.
func TestTerms(t *testing.T) {
	finds := func(fields []string, search string) bool {
		for _, word := range account.Words(search) {
			hit := false
			for _, term := range account.Terms(fields...) {
				hit = hit || term >= word && term < account.WordEnd(word) && strings.HasPrefix(term, word)
			}
			if !hit {
				return false
			}
		}
		return len(account.Words(search)) > 0
	}
	tanaka := []string{"Tanaka.Ichiro01", "田中 一郎", "t-tanaka@Sales.Example.jp"}
	shop := []string{"C-100248", "株式会社サンプル商事 East Japan"}
	for _, tt := range []struct {
		fields []string
		search string
		want   bool
	}{
		{tanaka, "tan", true},
		{tanaka, "ＴＡＮＡＫＡ", true},
		{tanaka, "ichiro", true},
		{tanaka, "01", true},
		{tanaka, "anaka", false},
		{tanaka, "田中", true},
		{tanaka, "一郎", true},
		{tanaka, "田中一郎", true},
		{tanaka, "田中　一郎", true},
		{tanaka, "一郎 田中", true},
		{tanaka, "郎", true},
		{tanaka, "田中 二郎", false},
		{tanaka, "tanaka@sales", true},
		{tanaka, "@example", true},
		{tanaka, "example.jp", true},
		{tanaka, "xample.jp", false},
		{shop, "C-100248", true},
		{shop, "100248", true},
		{shop, "さんぷる", true},
		{shop, "ｻﾝﾌﾟﾙ", true},
		{shop, "商事", true},
		{shop, "japan", true},
		{shop, "商事 ea", true},
		{shop, "", false},
		{shop, "  @ ", false},
		{shop, "%", false},
		{shop, "\x00", false},
	} {
		if got := finds(tt.fields, tt.search); got != tt.want {
			t.Errorf("%q in %q: %v", tt.search, tt.fields, got)
		}
	}
	if diff := cmp.Diff([]string{"一郎", "中一郎", "田中一郎", "郎"}, account.Terms("田中 一郎")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"example", "abc", "de"}, account.Words("de abc EXAMPLE abc x")); diff != "" {
		t.Error(diff)
	}
	for _, long := range []string{strings.Repeat("あ", 500), strings.Repeat("a b ", 500), strings.Repeat("x", 500)} {
		terms := account.Terms(long)
		if len(terms) == 0 || len(terms) > 64 {
			t.Errorf("%d terms of %.10s", len(terms), long)
		}
		for _, term := range append(terms, account.Words(long)...) {
			if n := len([]rune(term)); n == 0 || n > 32 {
				t.Errorf("%d characters in a term of %.10s", n, long)
			}
		}
	}
}

func FuzzTerms(f *testing.F) {
	f.Add("田中 一郎", "tanaka@example.jp")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, term := range append(account.Terms(a, b), account.Words(a+" "+b)...) {
			if term == "" || strings.ContainsAny(term, " \x00") || account.WordEnd(term) <= term {
				t.Errorf("term %q", term)
			}
		}
	})
}
