package account

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// rules is a service with rules, for judging alone.
func rules(t testing.TB, r PasswordRules) *Service {
	t.Helper()
	s, err := New(Config{
		DB: storetest.SQLite(t), Hasher: newTestHasher(t, cheap), Now: time.Now, Logger: slog.New(slog.DiscardHandler), Passwords: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judged is the key of the sentence about a password, "" when it is accepted.
func judged(t testing.TB, s *Service, password string, owner PasswordOwner) string {
	t.Helper()
	err := s.CheckPassword(password, owner)
	if err == nil {
		return ""
	}
	return fields(t, err)[FieldPassword]
}

func TestA13_LengthsOfNewPasswords(t *testing.T) {
	s := rules(t, PasswordRules{})
	const set = "zö2!ぬ漢字€" // eight characters of one to three bytes
	long := strings.Repeat(set+"-mx4", 30)
	cut := func(text string, n int) string { return string([]rune(text)[:n]) }
	for name, tc := range map[string]struct{ password, want string }{
		"nothing":                    {"", msgPasswordBlank},
		"seven":                      {cut(set, 7), msgPasswordShort},
		"seven of 21 bytes":          {"田舎町役場横丁", msgPasswordShort},
		"eight":                      {set, ""},
		"256":                        {cut(long, 256), ""},
		"257":                        {cut(long, 257), msgPasswordLong},
		"a million":                  {strings.Repeat("x", 1_000_000), msgPasswordLong},
		"four, each in two parts":    {"がぎぶべ\u3099", msgPasswordShort},
		"four in decomposed form":    {"か\u3099き\u3099ふ\u3099へ\u3099", msgPasswordShort},
		"three that stand for eight": {"㌔㌔㌻", msgPasswordShort},
		"one that stands for many":   {strings.Repeat("\uFDFA", 100), msgPasswordLong},
		"spaces count":               {"k9 x q z", ""},
		"no composition is asked":    {"umbrellaplanet", ""},
		"not even letters":           {"!?!?+-/*=?", ""},
	} {
		if got := judged(t, s, tc.password, PasswordOwner{Kind: KindStore}); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestA13_PasswordsUsedAloneAreLonger(t *testing.T) {
	const text = "violet-tractor-umbrella-planet"
	owner := func(kind string, alone bool) PasswordOwner { return PasswordOwner{Kind: kind, Alone: alone} }
	for name, tc := range map[string]struct {
		rules PasswordRules
		owner PasswordOwner
		want  int
	}{
		"customer":                          {PasswordRules{}, owner(KindStore, false), 8},
		"customer, alone":                   {PasswordRules{}, owner(KindStore, true), 8},
		"operator":                          {PasswordRules{}, owner(KindOperator, false), 8},
		"operator, alone":                   {PasswordRules{}, owner(KindOperator, true), 15},
		"set: customer":                     {PasswordRules{MinLength: 10, MinLengthAlone: 15}, owner(KindStore, false), 10},
		"set: customer, alone":              {PasswordRules{MinLength: 10, MinLengthAlone: 15}, owner(KindStore, true), 15},
		"set: operator, alone":              {PasswordRules{MinLengthAlone: 20}, owner(KindOperator, true), 20},
		"set: the least is the least alone": {PasswordRules{MinLength: 12}, owner(KindStore, true), 12},
	} {
		s := rules(t, tc.rules)
		if got := s.PasswordMin(tc.owner); got != tc.want {
			t.Errorf("%s: at least %d, want %d", name, got, tc.want)
		}
		if got := judged(t, s, text[:tc.want], tc.owner); got != "" {
			t.Errorf("%s: %d characters: %q", name, tc.want, got)
		}
		err := s.CheckPassword(text[:tc.want-1], tc.owner)
		e, ok := errors.AsType[*ValidationError](err)
		if !ok || e.Fields[FieldPassword] != msgPasswordShort || !slices.Equal(e.Args(FieldPassword), []any{"min", tc.want}) {
			t.Errorf("%s: %d characters: %v, args %v", name, tc.want-1, err, e.Args(FieldPassword))
		}
	}
	for _, r := range []PasswordRules{{MinLength: 7}, {MinLength: 65}, {MinLengthAlone: 65}} {
		if _, err := New(Config{
			DB: storetest.SQLite(t), Hasher: newTestHasher(t, cheap), Now: time.Now, Logger: slog.New(slog.DiscardHandler), Passwords: r,
		}); err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	if o := OwnerOf(store.Account{Kind: KindOperator, TwoFactor: TwoFactorDont}); !o.Alone || o.Kind != KindOperator {
		t.Errorf("owner %+v", o)
	}
	if o := (NewAccount{Kind: KindStore, TwoFactor: TwoFactorUse}).Owner(); o.Alone {
		t.Errorf("owner %+v", o)
	}
}

func TestA13_WhatIsTriedFirstIsRefused(t *testing.T) {
	s := rules(t, PasswordRules{Words: []string{"青葉商店", "Aoba Store", "", "アオバ アカウント"}})
	owner := PasswordOwner{
		Kind: KindStore, LoginID: "tanaka.ichiro", DisplayName: "田中 一郎", RegisteredEmail: "ichiro_t+shop@sample-shoji.example.jp",
	}
	for want, passwords := range map[string][]string{
		msgPasswordSimple: {
			"        ", "　　　　　　　　", "aaaaaaaa", "ああああああああ", "aaaaaaaaaaaaaaaaaaaaab"[:21], "12121212", "abcabcab", "dragondragon", "x7!x7!x7!",
			"12345678", "87654321", "0987654321", "ABCDEFGH", "hgfedcba", "qwertyuiop", "QWERTYUI", "poiuytre", "asdfghjkl", "1qaz2wsx3edc",
			"qwer1234", "1234abcd", "aaa111bbb", "qweasdzxc", "!@#$%^&*", "１２３４５６７８", "あいうえおかきく", "アイウエオカキク", "いろはにほへと123",
			"1 2 3 4 5 6 7 8", "1234567890-^\\",
		},
		msgPasswordCommon: {
			"password", "PassWord", "ｐａｓｓｗｏｒｄ", "pass word", "drowssap", "passwordpassword", "password1", "iloveyou1", "trustno1", "baseball1", "sunshine",
			"princess", "starwars", "football", "P@ssw0rd", "letmein1", "takahashi",
		},
		msgPasswordContext: {
			"tanaka2026", "Tanaka!!", "tanakaichiro", "ichiro.tanaka", "TANAKA.ICHIRO", "orihci.akanat", "tanaka20260102", "2026tanaka", "tanaka12345678",
			"tanaka-futakagi", "futakagi", "Futakagi1", "FUTAKAGI!2026", "aobastore", "aoba-store-1", "aoba2026", "田中一郎2026", "一郎田中!1234", "ichiro_t+shop",
			"ichiro-shop9", "青葉商店2026!", "あおばアカウント", "アオバあかうんと1", "tanaka.ichirotanaka.ichiro", "tanaka99999999", "ｔａｎａｋａ１２３", "tanakajp1", "tanaka09012345678",
		},
		"": {
			"futakagi-demo", "correct horse battery staple", "tanaka likes tea", "my-futakagi-is-safe", "田中さんの好きな紅茶", "kX9!vq2LmZ",
			"violet umbrella", "password of a kind", "雨の日は本を読む", "1qaz-umbrella", "abcd9876xk", "tractor1234", "20-Ichiban-Kaze",
			strings.Repeat("password", 4) + " and a tractor",
		},
	} {
		for _, password := range passwords {
			if got := judged(t, s, password, owner); got != want {
				t.Errorf("%q: %q, want %q", password, got, want)
			}
		}
	}
	// Without a name there is nothing to compare with.
	if got := judged(t, s, "tanaka-ichiro-2026", PasswordOwner{}); got != "" {
		t.Errorf("for somebody else: %q", got)
	}
	// A single character, which names have, is in too many passwords.
	if got := judged(t, s, "林檎と梨が好きです", PasswordOwner{DisplayName: "林 檎", LoginID: "a"}); got != "" {
		t.Errorf("with single characters: %q", got)
	}
}

func TestBlocklistIsFitForSearch(t *testing.T) {
	list, err := loadBlocklist()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20_000 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Errorf("%d entries; want many, sorted, each once", len(list))
	}
	for _, entry := range list {
		if Fold(entry) != entry || len(entry) < MinPassword {
			t.Errorf("%q is never found: it is not folded, or refused as too short before", entry)
		}
	}
}

// Check looks at the whole form, so the password is judged by what the form says of its owner.
func TestCheckJudgesThePasswordByTheForm(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	in := NewAccount{
		Kind: KindOperator, LoginID: "yamada", DisplayName: "山田 太郎", Role: RoleSupport, RegisteredEmail: "yamada@example.jp", TwoFactor: TwoFactorDont,
	}
	for password, want := range map[string]map[string]string{
		"violet tractor":         {FieldPassword: msgPasswordShort},
		"yamada 2026 0102":       {FieldPassword: msgPasswordContext},
		"violet tractor planet":  nil,
		"passwordpassword":       {FieldPassword: msgPasswordCommon},
		strings.Repeat("a", 257): {FieldPassword: msgPasswordLong},
	} {
		err := f.Check(t.Context(), in, password)
		if want == nil {
			if err != nil {
				t.Errorf("%q: %v", password, err)
			}
			continue
		}
		if diff := cmp.Diff(want, fields(t, err)); diff != "" {
			t.Errorf("%q: %s", password, diff)
		}
		if _, err := f.HashPassword(t.Context(), password, in.Owner()); err == nil {
			t.Errorf("%q was hashed", password)
		}
	}
}

// However が, ａ and their like arrive, they are the same, and hashes of the text as it was typed go on working.
func TestPasswordsAreTheSameFromEveryKeyboard(t *testing.T) {
	const composed, decomposed, wide = "がんばるtractor1", "か\u3099んは\u3099るtractor1", "がんばるｔｒａｃｔｏｒ１"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		for i, chosen := range []string{composed, decomposed, wide} {
			login := fmt.Sprintf("keyboard-%d", i)
			f.account(t, KindStore, login, chosen)
			for _, typed := range []string{composed, decomposed, wide} {
				if _, err := f.Verify(t.Context(), KindStore, login, typed); err != nil {
					t.Errorf("chosen as %+q, typed as %+q: %v", chosen, typed, err)
				}
			}
			f.now = f.now.Add(time.Hour)
			for _, typed := range []string{composed + " ", " " + composed, strings.ToUpper(composed), "かんはるtractor1"} {
				if _, err := f.Verify(t.Context(), KindStore, login, typed); !errors.Is(err, ErrBadCredentials) {
					t.Errorf("typed as %+q: %v", typed, err)
				}
			}
			f.now = f.now.Add(time.Hour)
		}
		// As it was hashed before there was a normal form, or elsewhere.
		for i, text := range []string{decomposed, wide} {
			login := fmt.Sprintf("old-%d", i)
			hash, err := f.hasher.Hash(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			f.inTx(t, func(tx *store.Tx) error {
				return f.SetPassword(t.Context(), tx, f.accountIn(t, tx, login), PasswordHash(hash))
			})
			if _, err := f.Verify(t.Context(), KindStore, login, text); err != nil {
				t.Errorf("hashed as %+q: %v", text, err)
			}
		}
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	s := rules(b, PasswordRules{Words: []string{"Aoba Store"}})
	owner := PasswordOwner{Kind: KindStore, LoginID: "tanaka", DisplayName: "田中 一郎", RegisteredEmail: "tanaka@example.jp"}
	long := strings.Repeat("violet tractor ", 17)
	for b.Loop() {
		if err := s.CheckPassword(long, owner); err != nil {
			b.Fatal(err)
		}
	}
}
