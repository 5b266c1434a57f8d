package account

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Tanaka":              "tanaka",
		"ＴＡＮＡＫＡ　１":            "tanaka1",
		"ｻﾝﾌﾟﾙ":               "さんぷる",
		"サンプル商事":              "さんぷる商事",
		"株式会社 サンプル":           "株式会社さんぷる",
		"a\u200bb\u202ec\x00": "abc",
		"C-100248":            "c-100248",
		"\xff\xfe":            "",
		"100%_\\":             `100%_\`,
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{`50%_\`: `%50\%\_\\%`, "サンプル": "%さんぷる%", "": "%", " \x00": "%"} {
		if got := SearchPattern(in); got != want {
			t.Errorf("SearchPattern(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{" a b ": "%a b%", "\x00": "", " ": "", "\xff": ""} {
		if got := Contains(in); got != want {
			t.Errorf("Contains(%q) = %q, want %q", in, got, want)
		}
	}
	for _, f := range []func(string) string{SearchPattern, Contains} {
		if got := f(strings.Repeat("あ", 5000)); len([]rune(got)) > maxSearch+2 {
			t.Errorf("a search of %d characters is let through", len([]rune(got)))
		}
	}
}

func TestLoginKey(t *testing.T) {
	for in, want := range map[string]string{
		"tanaka": "tanaka", " Tanaka ": "tanaka", "ｔａｎａｋａ": "tanaka", "a.b_c@d-1": "a.b_c@d-1",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
	} {
		if got, ok := LoginKey(in); got != want || !ok {
			t.Errorf("LoginKey(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", " ", "a b", "a\x00", "田中", "a\u200b", strings.Repeat("a", 65), strings.Repeat("a", 10_000), "\xff", "a/b", "аdmin"} {
		if got, ok := LoginKey(in); ok {
			t.Errorf("LoginKey(%q) = %q, want it refused", in, got)
		}
	}
}

func FuzzLoginKey(f *testing.F) {
	for _, s := range []string{"tanaka", "ＴＡＮＡＫＡ", "a\x00b", "\xff", "ﷺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		key, ok := LoginKey(in)
		if !ok {
			return
		}
		if key == "" || len(key) > maxLoginID || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
			t.Errorf("LoginKey(%q) = %q", in, key)
		}
		if again, ok := LoginKey(key); again != key || !ok {
			t.Errorf("LoginKey is not stable: %q becomes %q", key, again)
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add("株式会社サンプル商事")
	f.Add("a\u202eb\xff")
	f.Fuzz(func(t *testing.T, in string) {
		got := Fold(in)
		if strings.ContainsAny(got, " \x00\t\n") {
			t.Errorf("Fold(%q) = %q holds spaces or controls", in, got)
		}
		cleanName(in)
	})
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"  田中　 一郎 ":           "田中　一郎",
		"a\r\nBcc: b":         "a Bcc: b",
		"\u202etxt.exe\u2066": "txt.exe",
		"a\x00b\u200b":        "ab",
		"が\u3099":             "が\u3099",
		"か\u3099":             "が",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("cleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParseEmail(t *testing.T) {
	for in, want := range map[string]string{
		"tanaka@example.jp": "tanaka@example.jp", " Tanaka@Example.JP ": "Tanaka@example.jp", "a+b@x.example.com": "a+b@x.example.com",
	} {
		if got, message := parseEmail(in); got != want || message != "" {
			t.Errorf("parseEmail(%q) = %q, %q", in, got, message)
		}
	}
	for in, want := range map[string]string{
		"": msgEmailBlank, "  ": msgEmailBlank, strings.Repeat("a", 250) + "@example.jp": msgEmailLong,
		"tanaka": msgEmailForm, "a@b": msgEmailForm, "@example.jp": msgEmailForm, "a@": msgEmailForm, "a b@example.jp": msgEmailForm,
		"a@example.jp\r\nBcc: b@example.jp": msgEmailForm, "a@example.jp,b@example.jp": msgEmailForm, "A <a@example.jp>": msgEmailForm,
		"<a@example.jp>": msgEmailForm, "a@example.jp\x00": msgEmailForm, `"a b"@example.jp`: msgEmailForm, "田中@example.jp": msgEmailForm,
		"a@例え.jp": msgEmailForm, "a@[127.0.0.1]": msgEmailForm, "a@example..jp": msgEmailForm, "a@example.jp.": msgEmailForm,
		"a@b@example.jp": msgEmailForm, strings.Repeat("a", 65) + "@example.jp": msgEmailForm, "a(c)@example.jp": msgEmailForm,
	} {
		if _, message := parseEmail(in); message != want {
			t.Errorf("parseEmail(%q) says %q, want %q", in, message, want)
		}
	}
}
